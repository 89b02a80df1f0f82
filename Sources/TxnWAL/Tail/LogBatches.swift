/// The batches of a cursor for a task, which waits for them without holding a thread.
///
/// The sequence ends when the task is cancelled and when the cursor or the log is closed. It throws what
/// `LogCursor.next` throws otherwise. After an error the next call tries again.
///
/// It has no buffer of its own: a batch is read when it is asked for. Ending an iteration early does not close the
/// cursor; a new iteration continues after the last batch that was returned.
public struct LogBatches: AsyncSequence, Sendable {
  /// A committed batch.
  public typealias Element = LogBatch
  /// The log's error.
  public typealias Failure = LogError

  let cursor: LogCursor

  /// Begins to iterate.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: cursor) }

  /// The state of an iteration.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let cursor: LogCursor

    /// The next batch, or nil at the end of the sequence.
    public func next(
      isolation actor: isolated (any Actor)? = #isolation
    ) async throws(LogError) -> LogBatch? {
      try await cursor.nextSuspended()
    }
  }
}
