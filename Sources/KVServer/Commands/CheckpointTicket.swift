import KVStore
import Synchronization

/// A checkpoint under way on a thread of its own, and its outcome once it has one.
final class CheckpointTicket: Sendable {
  private let state = Mutex<Result<Void, StoreError>?>(nil)

  init(store: Store, handle: LoopHandle) {
    do throws(System.Failure) {
      try System.startDetachedThread { self.run(store, handle) }
    } catch {
      run(store, handle)
    }
  }

  /// Nil while it is under way.
  var outcome: Result<Void, StoreError>? { state.withLock { $0 } }

  private func run(_ store: Store, _ handle: LoopHandle) {
    let outcome: Result<Void, StoreError>
    do throws(StoreError) {
      outcome = .success(try store.checkpoint())
    } catch {
      outcome = .failure(error)
    }
    state.withLock { $0 = outcome }
    handle.signal()
  }
}
