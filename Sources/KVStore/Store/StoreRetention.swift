import TxnWAL

// Types of the log that callers of `Store.retention` use.

/// What is kept of the log beyond what the store needs, and the cursors that read it.
public typealias Retention = TxnWAL.Retention

/// Limits on what holds may keep.
public typealias RetentionOptions = TxnWAL.RetentionOptions

/// A hold on the log.
public typealias LogHold = TxnWAL.LogHold

/// A hold, as operators see it.
public typealias HoldSummary = TxnWAL.HoldSummary

/// Where a hold or a cursor begins.
public typealias LogStart = TxnWAL.LogStart

/// A reader that follows the log.
public typealias LogCursor = TxnWAL.LogCursor

/// A committed batch, as a cursor returns it.
public typealias LogBatch = TxnWAL.LogBatch

/// Errors of the log, which holds and cursors throw.
public typealias LogError = TxnWAL.LogError

/// A byte position in the log.
public typealias LSN = TxnWAL.LSN

extension Store {
  /// Holds on the log and cursors that follow it. The participants in a batch of the log are the partitions; the bytes
  /// of their sections are the store's own format of mutations.
  ///
  /// Calls that wait trap inside an evaluation. After `close` they throw `.closed`, and cursors end.
  public var retention: Retention { coordinator.retention }

  /// A cursor that follows the log from `start` on, with a temporary hold of that name. See `Retention.cursor`.
  public func cursor(
    from start: LogStart, by name: String = "cursor"
  ) throws(LogError) -> LogCursor {
    try retention.cursor(from: start, by: name)
  }
}
