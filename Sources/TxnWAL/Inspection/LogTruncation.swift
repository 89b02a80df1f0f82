import Base

/// Cuts a damaged log before its damage, giving up everything after the cut.
///
/// Each segment to be changed is first copied beside the log, under a name that ends in `.damaged`. A crash leaves
/// either the damage or the cut; repeating the operation completes it.
public struct LogTruncation {
  /// The maximum number of transactions listed by id; the others are only counted.
  public static let namedCount = 1000
  private static let windowByteCount = 1 << 20

  /// The LSN where the log will end.
  public let lsn: LSN
  /// The number of valid records after the cut.
  public private(set) var recordCount = 0
  /// The number of committed transactions given up.
  public private(set) var commitCount = 0
  /// The first `namedCount` of them.
  public private(set) var transactions: [TransactionID] = []
  private let segments: SegmentSet

  /// Determines what a cut at `lsn` gives up, and changes nothing. Throws `.corrupted` if no record begins there
  /// when reading from the checkpoint.
  public init(at lsn: LSN, on device: any LogDevice, storeID: StoreID) throws(LogError) {
    self.lsn = lsn
    var log = try LogInspector(on: device, storeID: storeID)
    segments = log.segments
    while log.position < lsn, try log.next() != nil {}
    guard log.position == lsn else {
      throw .corrupted(
        Finding(
          file: device.path, expected: "the start of a record or the end of the log at LSN \(lsn)",
          found: "the end of a record at LSN \(log.position)"))
    }
    repeat {
      while let record = try log.next() { note(record) }
    } while try log.skipDamage()
  }

  private mutating func note(_ record: InspectedRecord) {
    recordCount += 1
    guard record.sequence != nil else { return }
    commitCount += 1
    if transactions.count < Self.namedCount { transactions.append(record.transaction) }
  }

  /// Whether this cut gives up the same transactions as `other` and changes the same files.
  public func givesUp(sameAs other: LogTruncation) -> Bool {
    lsn == other.lsn && recordCount == other.recordCount && commitCount == other.commitCount
      && transactions == other.transactions && fileNames == other.fileNames
  }

  /// The names of the segments that are changed. Each is copied first.
  public var fileNames: [String] {
    (segments.geometry.segment(of: lsn)...segments.lastIndex).map(LogGeometry.fileName(of:))
  }

  /// Performs the cut. Durable on return.
  public func carryOut(on device: any LogDevice) throws(LogError) {
    let present = try device.fileNames()
    for name in fileNames where !present.contains(name + ".damaged") {
      try copy(name, on: device)
    }
    try device.syncDirectory()
    // The sequences that are cut off must not be reused.
    try ControlFile.open(on: device).update { $0.mayHaveLostBatches = true }
    // Clears the last segment first: the damage stays detectable as long as anything remains after the cut.
    let first = segments.geometry.segment(of: lsn)
    for index in (first...segments.lastIndex).reversed() {
      let start = index == first ? segments.geometry.fileOffset(of: lsn) : SegmentHeader.byteCount
      try zero(LogGeometry.fileName(of: index), from: start, on: device)
    }
  }

  private func copy(_ name: String, on device: any LogDevice) throws(LogError) {
    let temporary = name + ".damaged.tmp"
    if try device.fileNames().contains(temporary) { try device.remove(temporary) }
    let source = try device.open(name, creating: false)
    let target = try device.open(temporary, creating: true)
    let byteCount = try source.byteCount()
    for offset in stride(from: 0, to: byteCount, by: Self.windowByteCount) {
      let bytes = try source.read(
        at: offset, count: min(Self.windowByteCount, byteCount - offset))
      try target.write(bytes.rawSpan, at: offset)
    }
    try target.sync()
    try device.rename(temporary, to: name + ".damaged")
  }

  private func zero(_ name: String, from start: Int, on device: any LogDevice) throws(LogError) {
    let file = try device.open(name, creating: false)
    let zeros = [UInt8](repeating: 0, count: Self.windowByteCount)
    let byteCount = segments.geometry.segmentByteCount
    for offset in stride(from: start, to: byteCount, by: Self.windowByteCount) {
      let count = min(Self.windowByteCount, byteCount - offset)
      try file.write(zeros.rawSpan.extracting(0..<count), at: offset)
    }
    try file.sync()
  }
}
