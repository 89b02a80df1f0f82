import Base
import Synchronization

/// What a snapshot holds: memtables, and a view of every partition's LMDB file.
///
/// The store may take it away from a snapshot that is too old, at any time and from any thread, but never
/// during a read: a read in progress keeps it until it returns, and then releases it.
///
/// Sound as `@unchecked Sendable`: `views` is used by reads, which only one thread at a time does and which
/// are counted in `state`, and once by the thread that releases it, when no read is in progress.
final class SnapshotPin: @unchecked Sendable {
  let views: [PartitionView]
  let takenAt = SuspendingClock.now

  private struct State {
    var readCount = 0
    var end: StoreError?
    var isReleased = false
  }
  private let state = Lock(State())
  private let hasEnded = Atomic<Bool>(false)

  init(_ views: [PartitionView]) {
    self.views = views
  }

  /// Runs a read, or throws why there are no more. A read may begin inside another one.
  func read<R>(_ body: ([PartitionView]) throws(StoreError) -> R) throws(StoreError) -> R {
    try state.withLock { state throws(StoreError) in
      if let end = state.end { throw end }
      state.readCount += 1
    }
    defer {
      state.withLock { state in
        state.readCount -= 1
        releaseIfUnused(&state)
      }
    }
    return try body(views)
  }

  /// For long reads, to check now and then.
  func checkOpen() throws(StoreError) {
    guard hasEnded.load(ordering: .relaxed) else { return }
    if let end = state.withLock({ $0.end }) { throw end }
  }

  /// Refuses further reads, with `reason`. Returns false if they were refused already.
  @discardableResult
  func end(because reason: StoreError) -> Bool {
    state.withLock { state in
      guard state.end == nil else { return false }
      state.end = reason
      hasEnded.store(true, ordering: .relaxed)
      releaseIfUnused(&state)
      return true
    }
  }

  private func releaseIfUnused(_ state: inout State) {
    guard state.end != nil, state.readCount == 0, !state.isReleased else { return }
    state.isReleased = true
    for view in views { view.close() }
  }
}
