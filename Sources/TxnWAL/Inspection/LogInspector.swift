import Base

/// Reads a log record by record and changes nothing: for tools, also beside a running process.
///
/// The log may grow and its oldest segments may be recycled meanwhile; then what is read ends where
/// the log ended when the inspector was made, or with an error that a second look does not repeat.
public struct LogInspector {
  /// What the control file says.
  public let summary: LogSummary
  let segments: SegmentSet
  private let seed: UInt32
  private var reader: LogReader

  /// Looks at the log on `device`. Reading begins at the checkpoint: older records may be gone.
  public init(on device: any LogDevice, storeID: StoreID) throws(LogError) {
    let opening = try LogOpening.open(on: device, storeID: storeID)
    let control = opening.control.control
    segments = opening.segments
    seed = storeID.checksumSeed
    summary = LogSummary(
      segmentByteCount: control.segmentByteCount, segmentCount: opening.segments.count,
      epoch: control.epoch, checkpoint: control.checkpoint, sequence: control.sequence)
    reader = LogReader(
      segments: segments, from: control.checkpoint, leastEpoch: control.leastEpoch)
  }

  /// Where the next record begins, or where the log ends once `next` answered nil.
  public var position: LSN { reader.position }

  /// The next sound record, nil at the end of the log. O(its length).
  public mutating func next() throws(LogError) -> InspectedRecord? {
    let start = reader.position
    guard let record = try reader.next() else { return nil }
    let index = segments.geometry.segment(of: start)
    return InspectedRecord(
      record: record, file: LogGeometry.fileName(of: index),
      fileOffset: segments.geometry.fileOffset(of: start))
  }

  /// Goes on behind damage, at the first record that is sound again, once `next` answered nil. False at
  /// the true end of the log. What lies between is lost: only salvage reads on.
  public mutating func skipDamage() throws(LogError) -> Bool {
    let inspector = TailInspector(segments: segments, end: reader.position, epoch: reader.epoch)
    guard try inspector.damage() != nil,
      let header = try inspector.firstRecord(where: { _ in true })
    else { return false }
    reader = LogReader(segments: segments, from: header.lsn, leastEpoch: reader.epoch)
    return true
  }

  /// What stands at the end of the log, once `next` answered nil. O(bytes of the segments behind it).
  public func tail() throws(LogError) -> LogTail {
    let inspector = TailInspector(segments: segments, end: reader.position, epoch: reader.epoch)
    if let damage = try inspector.damage() { return .damaged(damage) }
    return try segments.hasRecordHeader(at: reader.position, epoch: reader.epoch) ? .torn : .clean
  }
}

/// A log in a few numbers.
public struct LogSummary: Sendable, Equatable {
  /// The length of every segment file, in bytes.
  public let segmentByteCount: Int
  /// The segments from the checkpoint's on.
  public let segmentCount: Int
  /// How many times the log has been opened.
  public let epoch: UInt32
  /// Where recovery would begin.
  public let checkpoint: LSN
  /// No batch before the checkpoint has a greater sequence.
  public let sequence: UInt64
}

/// How a log ends.
public enum LogTail: Sendable, Equatable {
  /// Behind the last record stands nothing that belongs there.
  case clean
  /// An unfinished write stands there; recovery cuts it off.
  case torn
  /// What stands there was durable once: recovery refuses.
  case damaged(Finding)
}

/// A sound record as a tool sees it.
public struct InspectedRecord: Sendable {
  private let record: LogRecord
  /// The name of the segment file that it begins in.
  public let file: String
  /// Where in that file.
  public let fileOffset: Int

  init(record: LogRecord, file: String, fileOffset: Int) {
    self.record = record
    self.file = file
    self.fileOffset = fileOffset
  }

  /// Where it begins in the log.
  public var lsn: LSN { record.header.lsn }
  /// The position right behind it.
  public var end: LSN { record.header.end }
  /// The bytes that it takes in the log.
  public var byteCount: Int { record.header.recordByteCount }
  /// `batch`, `intent`, `commit` or `abort`.
  public var kind: String { "\(record.header.kind)" }
  /// The transaction that it belongs to.
  public var transaction: TransactionID { record.header.transaction }

  /// The sequence of the transaction, where this record commits it.
  public var sequence: UInt64? {
    switch record.header.kind {
    case .batch, .commit:
      record.payload.count < 8 ? nil : record.withPayload { $0.load(at: 0, as: UInt64.self) }
    case .intent, .abort: nil
    }
  }

  /// Lends each section's mutations with the participant that they are for, in order. False where the
  /// bytes, though their checksum is right, cannot be sections.
  public func forEachSection(_ body: (_ participant: Int, _ mutations: RawSpan) -> Void) -> Bool {
    switch record.header.kind {
    case .commit, .abort: return true
    case .batch, .intent: break
    }
    return record.withPayload { payload in
      var offset = Section.firstOffset
      while offset < payload.byteCount {
        guard let section = Section.parse(payload, at: offset) else { return false }
        body(section.participant, payload.extracting(section.range))
        offset = section.range.upperBound
      }
      return true
    }
  }
}
