import Base

/// A hold as the file keeps it.
struct StoredHold: Equatable, Sendable {
  var name: String
  var position: LSN
  var creationMilliseconds: UInt64
  var policy: HoldPolicy
  var loss: HoldLoss?
}

/// The file `holds` beside `control`: every hold that must survive a restart. Little-endian:
///
///     offset  size  field
///          0     8  magic "KVDHOLD\n"
///          8     4  format version, 1
///         12     4  number of holds n, 256 at most
///         16    16  store id
///         32    88n the holds
///     32+88n     4  CRC-32C over everything before it
///
/// A hold:
///
///          0     8  LSN from which the log is kept
///          8     8  when it was made, in milliseconds since 1970
///         16     1  policy: 0 invalidate, 1 block
///         17     1  why it was lost: 1 over the limit, 2 disk short, 3 segment missing, 4 log shorter; 0 if it was not
///         18     1  byte count of the name, 1 to 64
///         19     5  zero
///         24    64  name, then zeros
///
/// The file is replaced as a whole: the new one is written under another name, synced and renamed, and the directory is
/// synced. So after a crash there is the old file or the new one. It is separate from `control`, which must be written
/// in place on a full disk and has a fixed length. A log without holds may have no such file.
///
/// A damaged file is refused: taken for an empty one, it would give up the log that holds keep.
enum HoldsFile {
  static let name = "holds"
  static let holdLimit = 256
  static let version: UInt32 = 1
  static let magic: [UInt8] = Array("KVDHOLD\n".utf8)
  private static let temporaryName = name + ".tmp"
  private static let headerByteCount = 32
  private static let holdByteCount = 88

  // MARK: Writing

  /// Replaces the file. Durable on return; after a throw, a crash leaves the old file or the new one.
  static func write(
    _ holds: [StoredHold], of storeID: StoreID, on device: any LogDevice
  ) throws(LogError) {
    CrashPoint.reached(.holdsBeforeWrite)
    do throws(LogError) {
      if try device.fileNames().contains(temporaryName) { try device.remove(temporaryName) }
      let file = try device.open(temporaryName, creating: true)
      try file.write(encode(holds, of: storeID).rawSpan, at: 0)
      CrashPoint.reached(.holdsAfterWrite)
      if !DeliberateBug.skipsHoldsSync.isOn { try file.sync() }
      CrashPoint.reached(.holdsAfterSync)
    } catch {
      // A partial file must not occupy space on a full disk.
      try? device.remove(temporaryName)
      throw error
    }
    try device.rename(temporaryName, to: name)
    CrashPoint.reached(.holdsAfterRename)
    try device.syncDirectory()
    CrashPoint.reached(.holdsAfterDirectorySync)
  }

  static func encode(_ holds: [StoredHold], of storeID: StoreID) -> [UInt8] {
    precondition(holds.count <= holdLimit)
    var bytes = magic
    bytes.appendLittleEndian(version)
    bytes.appendLittleEndian(UInt32(holds.count))
    bytes += storeID.bytes
    for hold in holds {
      let name = Array(hold.name.utf8)
      precondition(HoldName.isValid(name))
      bytes.appendLittleEndian(hold.position.rawValue)
      bytes.appendLittleEndian(hold.creationMilliseconds)
      bytes += [hold.policy.rawValue, hold.loss?.rawValue ?? 0, UInt8(name.count)]
      bytes += [UInt8](repeating: 0, count: 5)
      bytes += name + [UInt8](repeating: 0, count: HoldName.byteLimit - name.count)
    }
    bytes.appendLittleEndian(CRC32C.checksum(bytes.rawSpan))
    return bytes
  }

  // MARK: Reading

  /// The holds in the file; none if there is no file. Throws `.corrupted` or `.unsupportedFormat`, and changes nothing.
  static func read(from device: any LogDevice, of storeID: StoreID) throws(LogError) -> [StoredHold]
  {
    guard try device.fileNames().contains(name) else { return [] }
    let file = try device.open(name, creating: false)
    let bytes = try file.read(at: 0, count: min(try file.byteCount(), byteLimit + 1))
    return try decode(bytes, path: file.path, of: storeID)
  }

  /// The length of the largest file.
  private static let byteLimit = headerByteCount + holdLimit * holdByteCount + 4

  static func decode(
    _ bytes: [UInt8], path: String, of storeID: StoreID
  ) throws(LogError) -> [StoredHold] {
    func damage(_ offset: Int, _ expected: String, _ found: String) -> LogError {
      .corrupted(
        Finding(
          file: path, offset: UInt64(offset),
          expected: "\(expected) (removing the file gives up all holds, and no data of the store)",
          found: found))
    }
    guard bytes.count >= headerByteCount, Array(bytes[0..<8]) == magic else {
      throw damage(0, "the header of a file of holds", "\(bytes.count) other bytes")
    }
    let span = bytes.rawSpan
    let foundVersion = span.load(at: 8, as: UInt32.self)
    guard foundVersion == version else {
      throw .unsupportedFormat(path: path, found: "\(foundVersion)", supported: "\(version)")
    }
    let count = Int(span.load(at: 12, as: UInt32.self))
    let end = headerByteCount + count * holdByteCount
    guard count <= holdLimit, bytes.count == end + 4 else {
      throw damage(12, "a number of holds that fits the file", "\(count) in \(bytes.count) bytes")
    }
    let checksum = CRC32C.checksum(span.extracting(0..<end))
    let stored = span.load(at: end, as: UInt32.self)
    guard checksum == stored else { throw damage(end, "checksum \(checksum)", "\(stored)") }
    let foundStore = StoreID(span.extracting(16..<32))
    guard foundStore == storeID else {
      throw damage(16, "store \(storeID)", "store \(foundStore)")
    }
    var holds: [StoredHold] = []
    for index in 0..<count {
      let start = headerByteCount + index * holdByteCount
      guard let hold = hold(in: Array(bytes[start..<start + holdByteCount])) else {
        throw damage(start, "a hold", "values that no hold has")
      }
      holds.append(hold)
    }
    return holds
  }

  private static func hold(in bytes: [UInt8]) -> StoredHold? {
    let span = bytes.rawSpan
    let name = bytes[24...].prefix(Int(bytes[18]))
    let loss = HoldLoss(rawValue: bytes[17])
    guard let policy = HoldPolicy(rawValue: bytes[16]), loss != nil || bytes[17] == 0,
      name.count == Int(bytes[18]), HoldName.isValid(name)
    else { return nil }
    return StoredHold(
      name: String(decoding: name, as: UTF8.self),
      position: LSN(rawValue: span.load(at: 0, as: UInt64.self)),
      creationMilliseconds: span.load(at: 8, as: UInt64.self), policy: policy, loss: loss)
  }
}
