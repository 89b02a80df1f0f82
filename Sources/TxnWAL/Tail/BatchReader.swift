/// Puts records together to committed batches, in the order of the log, which is the order of their sequences.
///
///     records            a batch of
///     batch              itself
///     intent, commit     the intent, at the marker's place
///     intent, abort      nothing: it was refused
///     intent, any other  nothing: it was in doubt when the log was recovered, and presumed aborted
///
/// Groups become durable as a whole, so an intent at the end of what is durable has no marker to come: it stays in
/// doubt, or the next record shows that it was.
struct BatchReader {
  private var reader: LogReader<KeptLog>
  private let first: LSN
  /// The intent whose outcome has not been read yet.
  private var intent: LogRecord?
  /// Where the next batch begins.
  private(set) var position: LSN

  init(_ log: KeptLog, from position: LSN) {
    reader = LogReader(log, from: position, leastEpoch: 0)
    first = position
    self.position = position
  }

  /// The next committed batch, or nil at the end of what is durable. O(length of the records read).
  ///
  /// Throws `.notKept` if the position has been recycled, `.notABatch` if no batch begins at the first position, and
  /// `.corrupted` for damage. After a throw the position is unchanged.
  ///
  /// - Parameter inMemory: whether to return nil, too, if a file would have to be read.
  mutating func next(inMemory: Bool = false) throws(LogError) -> LogBatch? {
    do throws(LogError) {
      return try advance(inMemory: inMemory)
    } catch {
      // So that the next call meets the same error, or, if it was a passing one of the disk, no error.
      reader = LogReader(reader.source, from: position, leastEpoch: 0)
      intent = nil
      // The place that was read is a detail: what follows a kept position is kept.
      if case .notKept(_, let oldest) = error { throw .notKept(position, oldest: oldest) }
      throw error
    }
  }

  private mutating func advance(inMemory: Bool) throws(LogError) -> LogBatch? {
    // Read before the records: what is durable by now must be valid.
    let durable = reader.source.durable
    while let record = try reader.next(inMemory: inMemory) {
      if let batch = try take(record) { return batch }
    }
    guard inMemory || reader.position >= durable else { throw invalid(at: reader.position) }
    return nil
  }

  /// Checks that a batch begins at the first position, unless that is the end of what is durable. Reads one record.
  mutating func checkFirst() throws(LogError) {
    let durable = reader.source.durable
    guard first < durable else {
      if first > durable { throw .notABatch(first) }
      return
    }
    guard let record = try reader.next() else { throw invalid(at: first) }
    _ = try take(record)
  }

  private mutating func take(_ record: LogRecord) throws(LogError) -> LogBatch? {
    switch record.header.kind {
    case .intent:
      intent = record
      position = record.header.lsn
      return nil
    case .batch:
      intent = nil
      return try batch(record, decidedBy: record)
    case .commit:
      guard let intent, intent.header.transaction == record.header.transaction else {
        throw malformed(record)
      }
      return try batch(intent, decidedBy: record)
    case .abort:
      // Recovery, too, accepts one without its intent; but a cursor cannot begin there.
      if record.header.lsn == first { throw malformed(record) }
      intent = nil
      position = record.header.end
      return nil
    }
  }

  private mutating func batch(
    _ record: LogRecord, decidedBy marker: LogRecord
  ) throws(LogError) -> LogBatch {
    guard marker.payload.count >= 8 else { throw malformed(marker) }
    let sequence = marker.withPayload { $0.load(at: 0, as: UInt64.self) }
    let place = CommitPosition(sequence: sequence, end: marker.header.end)
    guard let batch = LogBatch(record, at: place) else { throw malformed(record) }
    intent = nil
    position = marker.header.end
    return batch
  }

  private func invalid(at lsn: LSN) -> LogError {
    let error = reader.source.damage(
      at: lsn, expected: "a valid record at LSN \(lsn), which is durable",
      found: "one with a wrong checksum or position")
    if case .corrupted = error, lsn == first { return .notABatch(lsn) }
    return error
  }

  private func malformed(_ record: LogRecord) -> LogError {
    let lsn = record.header.lsn
    if lsn == first { return .notABatch(lsn) }
    return reader.source.damage(
      at: lsn, expected: "a batch, or a marker right after its intent",
      found: "a record of kind \(record.header.kind)")
  }
}
