/// How much address space to ask for.
///
/// The map costs no memory and no disk, and growing it stops every transaction; so it is made larger
/// than the file can ever get, and running out of disk comes first.
enum MapSize {
  /// Half of what a process has on x86-64 and arm64: the rest is for everything else.
  private static let addressSpaceByteCount: UInt64 = 1 << 46
  private static let leastByteCount: UInt64 = 64 << 30
  /// A multiple of every page size, as LMDB asks for.
  private static let unit: UInt64 = 1 << 20

  /// Below this even a small store would soon be full: give up rather than halve further.
  static let floor = 1 << 30

  static func preferred(fileSystemByteCount: UInt64, partitionCount: Int) -> Int {
    let wanted = max(leastByteCount, min(fileSystemByteCount, addressSpaceByteCount) * 2)
    let share = addressSpaceByteCount / UInt64(max(partitionCount, 1))
    return Int(min(wanted, share) / unit * unit)
  }
}
