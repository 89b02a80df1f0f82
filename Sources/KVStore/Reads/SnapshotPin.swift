import Base
import Synchronization

/// What a snapshot keeps hold of: memtables, and a view of every partition's LMDB file.
///
/// The store may take it away from a snapshot that has become too old, at any time and from any thread, but
/// never from under a read: one that is under way keeps it until it returns, and gives it up then.
///
/// Sound as `@unchecked Sendable`: `views` is used only by reads, which one thread at a time does and
/// which are counted in `state`, and by whoever releases it, once, when no read is under way.
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

  /// Runs a read. Throws why there are no more, if there are not. A read may begin inside of another.
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

  /// For long reads, to ask now and then.
  func checkOpen() throws(StoreError) {
    guard hasEnded.load(ordering: .relaxed) else { return }
    if let end = state.withLock({ $0.end }) { throw end }
  }

  /// Refuses reads from now on, with `reason`. False where they were refused before.
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
