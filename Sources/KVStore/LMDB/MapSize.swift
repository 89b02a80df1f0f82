/// How much address space to request.
///
/// The map takes no memory and no disk space, but it can only grow while no transaction is active. So it is
/// made larger than the file can ever get: the disk is full first.
enum MapSize {
  /// Half of a process's address space on x86-64 and arm64; the rest is for everything else.
  private static let addressSpaceByteCount: UInt64 = 1 << 46
  private static let leastByteCount: UInt64 = 64 << 30
  /// A multiple of every page size, as LMDB requires.
  private static let unit: UInt64 = 1 << 20

  /// Below this even a small store would soon be full, so opening fails instead of halving further.
  static let floor = 1 << 30

  static func preferred(fileSystemByteCount: UInt64, partitionCount: Int) -> Int {
    let wanted = max(leastByteCount, min(fileSystemByteCount, addressSpaceByteCount) * 2)
    let share = addressSpaceByteCount / UInt64(max(partitionCount, 1))
    return Int(min(wanted, share) / unit * unit)
  }
}
