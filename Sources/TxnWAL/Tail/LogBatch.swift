import Base

/// A committed batch, as a cursor returns it.
///
/// Its bytes lie in a piece of the log in memory that it shares with the batches beside it: 1 MiB, or the batch's own
/// length if that is more. The memory is freed with the last of them. A consumer that keeps a batch for long copies
/// what it needs.
public struct LogBatch: Sendable {
  /// The LSN of the batch's first record.
  public let start: LSN
  /// The LSN just after the record that decided the batch: where the next batch begins, and where a cursor continues
  /// that has consumed this one.
  public let end: LSN
  /// The transaction's id, never used twice.
  public let transaction: TransactionID
  /// The commit sequence number: the order in which batches become visible. It increases from batch to batch.
  public let sequence: UInt64
  /// The number of sections. A participant may have several.
  public let sectionCount: Int
  private let record: LogRecord

  /// - Parameters:
  ///   - record: the batch or intent.
  ///   - position: sequence and end, from the record that decided it.
  /// Nil if the record's payload, despite its checksum, is not made of sections.
  init?(_ record: LogRecord, at position: CommitPosition) {
    let count: Int? = record.withPayload { payload in
      var count = 0
      var offset = Section.firstOffset
      while offset < payload.byteCount {
        guard let section = Section.parse(payload, at: offset) else { return nil }
        offset = section.range.upperBound
        count += 1
      }
      return count
    }
    guard let count else { return nil }
    start = record.header.lsn
    end = position.end
    sequence = position.sequence
    transaction = record.header.transaction
    sectionCount = count
    self.record = record
  }

  /// The length of the record that holds the mutations, in bytes.
  public var byteCount: Int { record.header.recordByteCount }

  /// Lends each section's participant and mutations to `body`, in the order in which they take effect. O(sections),
  /// without copying.
  public func forEachSection<E: Error>(
    _ body: (_ participant: Int, _ mutations: RawSpan) throws(E) -> Void
  ) throws(E) {
    try record.withPayload { payload throws(E) in
      var offset = Section.firstOffset
      while offset < payload.byteCount, let section = Section.parse(payload, at: offset) {
        try body(section.participant, payload.extracting(section.range))
        offset = section.range.upperBound
      }
    }
  }
}
