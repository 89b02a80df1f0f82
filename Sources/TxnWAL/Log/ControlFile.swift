/// What the log must know before it can read itself.
///
/// Two slots are written in turn, each synced before it counts, so that a write which is torn leaves
/// the other slot standing. Little-endian, at offset 0 and 4096 of the file `control`:
///
///     offset  size  field
///          0     8  magic "KVDCTRL\n"
///          8     4  format version, 1
///         12     4  epoch
///         16     8  generation: the greater one counts
///         24    16  store id
///         40     8  segment byte count
///         48     8  checkpoint LSN: recovery needs nothing before it
///         56     8  sequence: no batch before the checkpoint has a greater one
///         64     8  last segment: this and every one from the checkpoint's on must exist
///         72     4  CRC-32C over bytes 0..<72
struct Control: Equatable {
  static let fileName = "control"
  static let slotByteCount = 4096
  static let magic: [UInt8] = Array("KVDCTRL\n".utf8)
  static let version: UInt32 = 1
  private static let checksumOffset = 72

  var storeID: StoreID
  var segmentByteCount: Int
  var epoch: UInt32 = 0
  var generation: UInt64 = 0
  var checkpoint = LSN.zero
  var sequence: UInt64 = 0
  var lastSegment = 0

  func encoded() -> [UInt8] {
    var bytes = Self.magic
    bytes.appendLittleEndian(Self.version)
    bytes.appendLittleEndian(epoch)
    bytes.appendLittleEndian(generation)
    bytes += storeID.bytes
    bytes.appendLittleEndian(UInt64(segmentByteCount))
    bytes.appendLittleEndian(checkpoint.rawValue)
    bytes.appendLittleEndian(sequence)
    bytes.appendLittleEndian(UInt64(lastSegment))
    bytes.appendLittleEndian(CRC32C.checksum(bytes.rawSpan))
    bytes += [UInt8](repeating: 0, count: Self.slotByteCount - bytes.count)
    return bytes
  }

  /// The slot in `bytes`, or nil where it is torn or damaged.
  static func decode(_ bytes: ArraySlice<UInt8>, path: String) throws(LogError) -> Control? {
    let bytes = Array(bytes)
    guard bytes.count >= checksumOffset + 4, Array(bytes[0..<8]) == magic else { return nil }
    let span = bytes.rawSpan
    let checksum = CRC32C.checksum(span.extracting(0..<checksumOffset))
    guard checksum == span.load(at: checksumOffset, as: UInt32.self) else { return nil }
    let found = span.load(at: 8, as: UInt32.self)
    guard found == version else {
      throw .unsupportedFormat(path: path, found: "\(found)", supported: "\(version)")
    }
    return Control(
      storeID: StoreID(span.extracting(24..<40)),
      segmentByteCount: Int(truncatingIfNeeded: span.load(at: 40, as: UInt64.self)),
      epoch: span.load(at: 12, as: UInt32.self),
      generation: span.load(at: 16, as: UInt64.self),
      checkpoint: LSN(rawValue: span.load(at: 48, as: UInt64.self)),
      sequence: span.load(at: 56, as: UInt64.self),
      lastSegment: Int(truncatingIfNeeded: span.load(at: 64, as: UInt64.self)))
  }
}

/// The open file `control` and what it says now.
///
/// Used by one thread at a time: by the one that opens the log, then by the segment keeper.
final class ControlFile {
  private let file: any LogFile
  private(set) var control: Control

  private init(file: any LogFile, control: Control) {
    self.file = file
    self.control = control
  }

  /// Makes the file of a new log. It counts once it is renamed to its name, which is done last.
  static func create(on device: any LogDevice, _ control: Control) throws(LogError) {
    let temporary = Control.fileName + ".tmp"
    if try device.fileNames().contains(temporary) { try device.remove(temporary) }
    let file = try device.open(temporary, creating: true)
    let slot = control.encoded()
    try file.write(slot.rawSpan, at: 0)
    try file.write([UInt8](repeating: 0, count: Control.slotByteCount).rawSpan, at: slot.count)
    try file.sync()
    try device.rename(temporary, to: Control.fileName)
    try device.syncDirectory()
  }

  /// Reads the newest slot that is whole.
  static func open(on device: any LogDevice) throws(LogError) -> ControlFile {
    let file = try device.open(Control.fileName, creating: false)
    let bytes = try file.read(at: 0, count: 2 * Control.slotByteCount)
    var newest: Control?
    for start in [0, Control.slotByteCount] where start < bytes.count {
      let end = min(bytes.count, start + Control.slotByteCount)
      guard let control = try Control.decode(bytes[start..<end], path: file.path) else { continue }
      if control.generation >= newest?.generation ?? 0 { newest = control }
    }
    guard let newest else {
      throw .corrupted(
        Finding(
          file: file.path, offset: 0, expected: "a control slot with its checksum",
          found: "none in \(bytes.count) bytes"))
    }
    return ControlFile(file: file, control: newest)
  }

  /// Changes the control and makes the change durable, in the slot that is not in force.
  func update(_ change: (inout Control) -> Void) throws(LogError) {
    var next = control
    change(&next)
    next.generation += 1
    let slot = Int(next.generation % 2) * Control.slotByteCount
    try file.write(next.encoded().rawSpan, at: slot)
    try file.sync()
    control = next
  }
}
