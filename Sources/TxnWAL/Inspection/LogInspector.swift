import Base

/// Reads a log record by record and changes nothing. For tools; may run beside a process that has the log open.
///
/// Meanwhile the log may grow and its oldest segments may be recycled. Then reading ends where the log ended when
/// the inspector was created, or with an error that does not recur when reading again.
public struct LogInspector {
  /// The contents of the control file.
  public let summary: LogSummary
  let segments: SegmentSet
  private let seed: UInt32
  private var reader: LogReader<SegmentSet>

  /// Opens the log on `device`. Reading begins at the checkpoint, because older records may be gone.
  public init(on device: any LogDevice, storeID: StoreID) throws(LogError) {
    let opening = try LogOpening.open(on: device, storeID: storeID)
    let control = opening.control.control
    segments = opening.segments
    seed = storeID.checksumSeed
    summary = LogSummary(
      segmentByteCount: control.segmentByteCount, segmentCount: opening.segments.count,
      epoch: control.epoch, checkpoint: control.checkpoint, sequence: control.sequence,
      holds: opening.holdTable(end: segments.end).summaries())
    reader = LogReader(
      segments, from: control.checkpoint, leastEpoch: control.leastEpoch)
  }

  /// Where the next record begins; after `next` returned nil, where the log ends.
  public var position: LSN { reader.position }

  /// The next valid record, or nil at the end of the log. O(record length).
  public mutating func next() throws(LogError) -> InspectedRecord? {
    let start = reader.position
    guard let record = try reader.next() else { return nil }
    let index = segments.geometry.segment(of: start)
    return InspectedRecord(
      record: record, file: LogGeometry.fileName(of: index),
      fileOffset: segments.geometry.fileOffset(of: start))
  }

  /// Once `next` has returned nil, continues after damage, at the next valid record. Returns false at the true end
  /// of the log. What lies between is lost: only salvage continues past damage.
  public mutating func skipDamage() throws(LogError) -> Bool {
    let inspector = TailInspector(segments: segments, end: reader.position, epoch: reader.epoch)
    guard try inspector.damage() != nil,
      let header = try inspector.firstRecord(where: { _ in true })
    else { return false }
    reader = LogReader(segments, from: header.lsn, leastEpoch: reader.epoch)
    return true
  }

  /// What follows the last record, once `next` has returned nil. O(bytes of the segments after it).
  public func tail() throws(LogError) -> LogTail {
    let inspector = TailInspector(segments: segments, end: reader.position, epoch: reader.epoch)
    if let damage = try inspector.damage() { return .damaged(damage) }
    return try segments.hasRecordHeader(at: reader.position, epoch: reader.epoch) ? .torn : .clean
  }
}

/// A summary of a log.
public struct LogSummary: Sendable, Equatable {
  /// The length of every segment file, in bytes.
  public let segmentByteCount: Int
  /// The number of segments from the checkpoint's on.
  public let segmentCount: Int
  /// How many times the log has been opened.
  public let epoch: UInt32
  /// Where recovery would begin.
  public let checkpoint: LSN
  /// No batch before the checkpoint has a greater sequence.
  public let sequence: UInt64
  /// The holds, as the file has them. The process that has the log open may have advanced some of them since.
  public let holds: [HoldSummary]
}

/// How a log ends.
public enum LogTail: Sendable, Equatable {
  /// Nothing of this log follows the last record.
  case clean
  /// An unfinished write follows; recovery cuts it off.
  case torn
  /// Data that was durable follows and is damaged; recovery refuses to open the log.
  case damaged(Finding)
}

/// A valid record, as tools see it.
public struct InspectedRecord: Sendable {
  private let record: LogRecord
  /// The name of the segment file in which the record begins.
  public let file: String
  /// The record's offset in that file.
  public let fileOffset: Int

  init(record: LogRecord, file: String, fileOffset: Int) {
    self.record = record
    self.file = file
    self.fileOffset = fileOffset
  }

  /// The LSN of the record.
  public var lsn: LSN { record.header.lsn }
  /// The LSN just after the record.
  public var end: LSN { record.header.end }
  /// The record's length in the log.
  public var byteCount: Int { record.header.recordByteCount }
  /// `batch`, `intent`, `commit` or `abort`.
  public var kind: String { "\(record.header.kind)" }
  /// The record's transaction.
  public var transaction: TransactionID { record.header.transaction }

  /// The transaction's sequence, if this record commits it.
  public var sequence: UInt64? {
    switch record.header.kind {
    case .batch, .commit:
      record.payload.count < 8 ? nil : record.withPayload { $0.load(at: 0, as: UInt64.self) }
    case .intent, .abort: nil
    }
  }

  /// Passes each section's participant and mutations to `body`, in order. Returns false if the bytes, despite a
  /// valid checksum, do not form sections.
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
