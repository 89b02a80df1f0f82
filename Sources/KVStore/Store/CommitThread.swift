import Base

/// The thread on which the batches of tasks are looked up and evaluated. Both may block, on the disk and on
/// the current sequencer.
///
/// No piece of work may take long, so the lookups of a large batch come in slices.
struct CommitThread: Sendable {
  private let thread = TaskThread(name: "kvd-commit")

  /// Runs `body` on the thread, in the order of the calls. Throws `.closed` after `close`, and `.io` if the
  /// system refuses to create the thread; the next call tries again.
  func run<R: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> R
  ) async throws(StoreError) -> R {
    try await thread.run(body) { refusal in
      switch refusal {
      case .closed: .closed
      case .notStarted(let error): StoreError(error)
      }
    }
  }

  /// Stops the thread once all queued work is done.
  func close() { thread.close() }

  /// How many pieces of work are queued, without those that the thread has already taken.
  var waitingCount: Int { thread.waitingCount }
}
