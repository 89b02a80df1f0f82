import Base
import Synchronization

/// Follows the log live: returns every committed batch from a position on, once, in the order of commit, as soon as it
/// is durable and never before.
///
/// Batches that were aborted or left in doubt by a crash are not shown. What a cursor returns can also be read in the
/// store: a batch is published before it counts as durable. A cursor never reads what may still be lost, so with
/// `periodic` durability it sees a batch up to a second after its acknowledgement.
///
/// Memory: one piece of the log, which is 1 MiB or one record (256 MiB at most), and while it is read 1 MiB beside it.
///
/// A cursor has one consumer: calls of `next` on several threads at once trap, and so does using `batches` meanwhile.
/// `position` and `close` may be used from any thread.
///
/// Sound as `@unchecked Sendable`: `reader` belongs to the caller that has set `isBusy`.
public final class LogCursor: @unchecked Sendable {
  private let retention: Retention
  private let hold: LogHold?
  private let advancesHold: Bool
  private var reader: BatchReader
  private let isBusy = Atomic<Bool>(false)
  private let isClosed = Atomic<Bool>(false)
  private let nextStart: Atomic<UInt64>

  init(
    _ retention: Retention, _ log: KeptLog, from position: LSN, hold: LogHold?, advancesHold: Bool
  ) {
    self.retention = retention
    self.hold = hold
    self.advancesHold = advancesHold
    reader = BatchReader(log, from: position)
    nextStart = Atomic(position.rawValue)
  }

  /// Where the next batch begins, or would begin: the `end` of the last one, or later if only batches were passed that
  /// are not shown. A cursor that is made here continues where this one is.
  public var position: LSN { LSN(rawValue: nextStart.load(ordering: .acquiring)) }

  /// The next batch. Waits until one is durable, for at most `wait`; nil waits without limit, zero does not wait.
  /// Returns nil if that time passes first. Blocks the calling thread, also for reading files; tasks use `batches`.
  /// O(length of the batch).
  ///
  /// Throws
  /// - `.closed` once the cursor or the log is closed,
  /// - the log's error, if it is poisoned, after everything that was durable,
  /// - `.holdLost` if the cursor's hold was lost, or `.invalidHold` if it was released,
  /// - `.notKept` if the log at the position was recycled, which only happens without a hold that covers it,
  /// - `.corrupted` for damage, `.io` if a file cannot be read, `.notABatch` if no batch begins at the first position.
  ///   The position stays the same.
  public func next(wait: Duration? = nil) throws(LogError) -> LogBatch? {
    retention.requireOutsideSequence()
    begin()
    defer { finish() }
    let deadline = wait.map { MonotonicTime.now + $0 }
    while true {
      let durable = retention.progress.durable
      if let batch = try read() { return batch }
      let isOver = { self.isClosed.load(ordering: .acquiring) }
      guard retention.progress.wait(past: durable, until: deadline, unless: isOver) else {
        return nil
      }
    }
  }

  /// Ends the cursor: `next` throws `.closed` from now on, also where it waits, and `batches` ends.
  public func close() {
    isClosed.store(true, ordering: .releasing)
    retention.progress.wake()
  }

  /// The batches as an asynchronous sequence; see `LogBatches`.
  public var batches: LogBatches { LogBatches(cursor: self) }

  // MARK: Reading

  private func begin() {
    let wasBusy = isBusy.exchange(true, ordering: .acquiring)
    precondition(!wasBusy, "a log cursor is used by one thread or task at a time")
  }

  private func finish() { isBusy.store(false, ordering: .releasing) }

  /// The next batch, if it is durable. Throws the log's error only if there is none.
  private func read(inMemory: Bool = false) throws(LogError) -> LogBatch? {
    let progress = retention.progress
    if isClosed.load(ordering: .acquiring) || progress.isClosed { throw .closed }
    try hold?.check()
    // Read before the log: after it is set, nothing more becomes durable.
    let failure = progress.failure
    do throws(LogError) {
      let batch = try reader.next(inMemory: inMemory)
      nextStart.store(reader.position.rawValue, ordering: .releasing)
      if advancesHold { hold?.pass(reader.position) }
      if batch != nil || inMemory { return batch }
    } catch {
      // A hold that was lost meanwhile explains why the log is gone.
      try hold?.check()
      throw error
    }
    if let failure { throw failure }
    return nil
  }

  // MARK: Tasks

  /// The next batch; nil once the task is cancelled, or the cursor or the log closed. Files are read on a thread of
  /// their own, because a task must not wait for the disk.
  func nextSuspended() async throws(LogError) -> LogBatch? {
    begin()
    defer { finish() }
    do throws(LogError) {
      while !Task.isCancelled {
        let durable = retention.progress.durable
        if let batch = try read(inMemory: true) { return batch }
        if let batch = try await readOnThread() { return batch }
        await suspend(past: durable)
      }
      return nil
    } catch .closed {
      return nil
    } catch {
      throw error
    }
  }

  private func readOnThread() async throws(LogError) -> LogBatch? {
    try await retention.readThread.run { () throws(LogError) in
      try self.read()
    } ifRefused: { refusal in
      switch refusal {
      case .closed: .closed
      case .notStarted(let error): LogError(error)
      }
    }
  }

  private func suspend(past durable: LSN) async {
    let cancellation = Cancellation()
    await withTaskCancellationHandler {
      await retention.progress.suspend(past: durable) {
        cancellation.isRequested.load(ordering: .acquiring)
          || self.isClosed.load(ordering: .acquiring)
      }
    } onCancel: {
      cancellation.isRequested.store(true, ordering: .releasing)
      retention.progress.wake()
    }
  }

  private final class Cancellation: Sendable {
    let isRequested = Atomic<Bool>(false)
  }
}
