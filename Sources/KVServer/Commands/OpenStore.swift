import KVData
import KVStore

/// A store that is open, and what works on it beside the event loops.
struct OpenStore: Sendable {
  let store: Store
  let checkpoints: Checkpoints
  let longReads = LongReads()
  /// Removes what has expired, once it is started.
  let expiry: ExpiryWorker

  init(_ store: Store, log: @escaping @Sendable (String) -> Void) {
    self.store = store
    checkpoints = Checkpoints(store: store)
    expiry = ExpiryWorker(store: store) { log("cannot remove what has expired: \($0)") }
  }

  /// Has event loops signalled of what they wait for.
  func signal(_ handles: [LoopHandle]) {
    for handle in handles { store.observe { handle.signal() } }
  }

  /// Ends what works on the store, which stays open.
  func finish() {
    longReads.finish()
    checkpoints.finish()
    expiry.close()
  }
}
