import Base

/// What must be known before the log can be read.
///
/// There are two slots. They are written alternately, and each is synced before it takes effect, so a torn write
/// leaves the other slot intact. Little-endian, at offsets 0 and 4096 of the file `control`:
///
///     offset  size  field
///          0     8  magic "KVDCTRL\n"
///          8     4  format version, 2
///         12     4  epoch
///         16     8  generation: the slot with the greater one is in force
///         24    16  store id
///         40     8  segment byte count
///         48     8  checkpoint LSN: recovery needs nothing before it
///         56     8  sequence: at least that of every batch before the checkpoint, and of every batch of an
///                   earlier epoch, lost or not, that a client may have seen
///         64     8  last segment: every segment from the checkpoint's to this one must exist
///         72     4  least epoch of any record after the checkpoint
///         76     4  1 if clients may have seen batches that the log no longer holds
///         80     4  CRC-32C over bytes 0..<80
struct Control: Equatable {
  static let fileName = "control"
  static let slotByteCount = 4096
  static let magic: [UInt8] = Array("KVDCTRL\n".utf8)
  static let version: UInt32 = 2
  private static let checksumOffset = 80

  var storeID: StoreID
  var segmentByteCount: Int
  var epoch: UInt32 = 0
  var generation: UInt64 = 0
  var checkpoint = LSN.zero
  var sequence: UInt64 = 0
  var lastSegment = 0
  var leastEpoch: UInt32 = 0
  /// Whether acknowledged batches may be missing from the log: batches of an epoch with periodic durability, or
  /// batches that were cut off with damage. The next epoch skips their sequences.
  var mayHaveLostBatches = false

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
    bytes.appendLittleEndian(leastEpoch)
    bytes.appendLittleEndian(mayHaveLostBatches ? 1 : 0 as UInt32)
    bytes.appendLittleEndian(CRC32C.checksum(bytes.rawSpan))
    bytes += [UInt8](repeating: 0, count: Self.slotByteCount - bytes.count)
    return bytes
  }

  /// The format version of the slot in `bytes`, if this build does not support it.
  private static func foreignVersion(_ bytes: [UInt8]) -> UInt32? {
    guard bytes.count >= 12, Array(bytes[0..<8]) == magic else { return nil }
    let found = bytes.rawSpan.load(at: 8, as: UInt32.self)
    return found == version ? nil : found
  }

  /// The newest valid slot in the file's `bytes`, and whether both slots are valid.
  ///
  /// An unsupported version is reported only if both slots are invalid: a single invalid slot may just be torn.
  static func newest(
    in bytes: [UInt8], path: String
  ) throws(LogError) -> (control: Control, isOtherWhole: Bool) {
    let slots = [0, slotByteCount].map { start in
      Array(bytes[min(start, bytes.count)..<min(start + slotByteCount, bytes.count)])
    }
    let whole = slots.compactMap { decode($0) }
    if let newest = whole.max(by: { $0.generation < $1.generation }) {
      return (newest, whole.count == slots.count)
    }
    for slot in slots {
      guard let found = foreignVersion(slot) else { continue }
      throw .unsupportedFormat(path: path, found: "\(found)", supported: "\(version)")
    }
    throw .corrupted(
      Finding(
        file: path, offset: 0, expected: "a control slot with a valid checksum",
        found: "none in \(bytes.count) bytes"))
  }

  /// The slot in `bytes`, or nil if it is torn, damaged or of an unsupported version.
  private static func decode(_ bytes: [UInt8]) -> Control? {
    guard bytes.count >= checksumOffset + 4, Array(bytes[0..<8]) == magic else { return nil }
    let span = bytes.rawSpan
    let checksum = CRC32C.checksum(span.extracting(0..<checksumOffset))
    guard checksum == span.load(at: checksumOffset, as: UInt32.self) else { return nil }
    guard span.load(at: 8, as: UInt32.self) == version else { return nil }
    let control = Control(
      storeID: StoreID(span.extracting(24..<40)),
      segmentByteCount: Int(truncatingIfNeeded: span.load(at: 40, as: UInt64.self)),
      epoch: span.load(at: 12, as: UInt32.self),
      generation: span.load(at: 16, as: UInt64.self),
      checkpoint: LSN(rawValue: span.load(at: 48, as: UInt64.self)),
      sequence: span.load(at: 56, as: UInt64.self),
      lastSegment: Int(truncatingIfNeeded: span.load(at: 64, as: UInt64.self)),
      leastEpoch: span.load(at: 72, as: UInt32.self),
      mayHaveLostBatches: span.load(at: 76, as: UInt32.self) != 0)
    // Rejects values that no valid slot can hold.
    guard control.segmentByteCount > SegmentHeader.byteCount,
      control.segmentByteCount % SegmentHeader.byteCount == 0, control.lastSegment >= 0
    else { return nil }
    return control
  }
}

/// The open file `control` and its current contents.
///
/// Used by one thread at a time: first by the thread that opens the log, then by the segment keeper.
final class ControlFile {
  private let file: any LogFile
  private(set) var control: Control
  /// Whether the slot not in force was valid, too. If not, it may have been the newer one, and one update may be
  /// lost: either a torn update that nothing relied on, or a damaged one.
  let wereBothWhole: Bool

  private init(file: any LogFile, control: Control, wereBothWhole: Bool) {
    self.file = file
    self.control = control
    self.wereBothWhole = wereBothWhole
  }

  /// Creates the file of a new log. It takes effect with the rename to its final name, which comes last.
  static func create(on device: any LogDevice, _ control: Control) throws(LogError) {
    let temporary = Control.fileName + ".tmp"
    if try device.fileNames().contains(temporary) { try device.remove(temporary) }
    let file = try device.open(temporary, creating: true)
    var control = control
    try file.write(control.encoded().rawSpan, at: 0)
    control.generation += 1
    try file.write(control.encoded().rawSpan, at: Control.slotByteCount)
    try file.sync()
    CrashPoint.reached(.logControlAfterSync)
    try device.rename(temporary, to: Control.fileName)
    CrashPoint.reached(.logControlAfterRename)
    try device.syncDirectory()
  }

  /// Opens the file and reads the newest valid slot.
  static func open(on device: any LogDevice) throws(LogError) -> ControlFile {
    let file = try device.open(Control.fileName, creating: false)
    let bytes = try file.read(at: 0, count: 2 * Control.slotByteCount)
    let (control, isOtherWhole) = try Control.newest(in: bytes, path: file.path)
    return ControlFile(file: file, control: control, wereBothWhole: isOtherWhole)
  }

  /// Changes the control data and makes the change durable, in the slot that is not in force.
  func update(_ change: (inout Control) -> Void) throws(LogError) {
    var next = control
    change(&next)
    next.generation += 1
    let slot = Int(next.generation % 2) * Control.slotByteCount
    CrashPoint.reached(.controlBeforeWrite)
    try file.write(next.encoded().rawSpan, at: slot)
    CrashPoint.reached(.controlAfterWrite)
    try file.sync()
    CrashPoint.reached(.controlAfterSync)
    control = next
  }
}
