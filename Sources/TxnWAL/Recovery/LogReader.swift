import Base

/// Reads records in order, starting at a position where a record is known to begin.
///
/// The log ends at the first invalid record: one with the wrong LSN, an epoch older than that of the record before
/// it, or a wrong checksum. What follows that point is judged by `TailInspector`.
struct LogReader<Source: LogSource> {
  let source: Source
  private let seed: UInt32
  private let account: WindowMemoryBudget?
  /// The bytes last read, and the LSN of the first of them.
  private var window: LogWindow
  /// Where the next record begins.
  private(set) var position: LSN
  /// The epoch of the last record. No later record may have a lower one.
  private(set) var epoch: UInt32

  /// - Parameter account: counts the windows created, for records that are kept after the reader moves on.
  init(
    _ source: Source, from position: LSN, leastEpoch: UInt32, account: WindowMemoryBudget? = nil
  ) {
    self.source = source
    self.account = account
    epoch = leastEpoch
    self.position = position
    seed = source.storeID.checksumSeed
    window = LogWindow(start: position, bytes: [])
  }

  /// The next record, or nil at the end of the log. O(record length).
  ///
  /// - Parameter inMemory: whether to return nil, too, if the record would have to be read from a file.
  mutating func next(inMemory: Bool = false) throws(LogError) -> LogRecord? {
    guard try fill(RecordHeader.byteCount, inMemory) else { return nil }
    guard let header = parseHeader(),
      header.transaction.epoch >= epoch || DeliberateBug.acceptsStaleRecords.isOn,
      try fill(header.recordByteCount, inMemory)
    else { return nil }
    let bytes = window.bytes
    let offset = position.distance(from: window.start)
    guard header.checksOut(bytes.rawSpan, at: offset, seed: seed) || DeliberateBug.ignoresCRC.isOn
    else { return nil }
    position = header.end
    epoch = header.transaction.epoch
    let start = offset + RecordHeader.byteCount
    return LogRecord(
      header: header, window: window, payload: start..<start + header.payloadByteCount)
  }

  private func parseHeader() -> RecordHeader? {
    let bytes = window.bytes
    return RecordHeader.parse(
      bytes.rawSpan, at: position.distance(from: window.start), expecting: position)
  }

  /// Makes the window hold at least `byteCount` bytes from `position`. Returns false if the log ends before that.
  private mutating func fill(_ byteCount: Int, _ inMemory: Bool) throws(LogError) -> Bool {
    let have = window.end.distance(from: position)
    if have >= byteCount { return true }
    let end = source.end
    guard !inMemory, position.advanced(by: byteCount) <= end else { return false }
    let wanted = min(max(byteCount, LogWindow.byteCount), end.distance(from: position))
    // Makes a new window, because records already returned still refer to the old one. If none do, its memory is freed
    // before more is read.
    var bytes = Array(window.bytes.suffix(have))
    window = LogWindow(start: position, bytes: [])
    bytes.reserveCapacity(wanted)
    try source.read(
      into: &bytes, from: position.advanced(by: have), upTo: position.advanced(by: wanted))
    window = LogWindow(start: position, bytes: bytes, account: account)
    return true
  }
}

/// A piece of the log in memory, shared by the records in it.
final class LogWindow: Sendable {
  /// How much is read at once, unless a record is longer.
  static let byteCount = 1 << 20

  let start: LSN
  let bytes: [UInt8]
  private let account: WindowMemoryBudget?

  init(start: LSN, bytes: [UInt8], account: WindowMemoryBudget? = nil) {
    self.start = start
    self.bytes = bytes
    self.account = account
    account?.add(bytes.count)
  }

  deinit { account?.remove(bytes.count) }

  var end: LSN { start.advanced(by: bytes.count) }
}

/// A record with a valid checksum.
struct LogRecord: Sendable {
  let header: RecordHeader
  let window: LogWindow
  /// The range of the payload in the window.
  let payload: Range<Int>

  func withPayload<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let bytes = window.bytes
    return try body(bytes.rawSpan.extracting(payload))
  }
}

extension SegmentSet {
  /// Appends the log's bytes from `start` up to `end`, which must lie in the segments.
  func read(into bytes: inout [UInt8], from start: LSN, upTo end: LSN) throws(LogError) {
    var lsn = start
    while lsn < end {
      let count = min(geometry.remaining(from: lsn), end.distance(from: lsn))
      let index = geometry.segment(of: lsn)
      guard let file = file(index) else { preconditionFailure("segment \(index) is not open") }
      let piece = try file.read(at: geometry.fileOffset(of: lsn), count: count)
      guard piece.count == count else {
        throw .corrupted(
          Finding(
            file: file.path, offset: UInt64(geometry.fileOffset(of: lsn) + piece.count),
            expected: "\(count - piece.count) more bytes", found: "the end of the file"))
      }
      bytes += piece
      lsn = lsn.advanced(by: count)
    }
  }
}
