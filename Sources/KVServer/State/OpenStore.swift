import KVData
import KVStore
import Net

/// An open store, and what works on it besides the event loops.
struct OpenStore: Sendable {
  let store: Store
  let checkpoints: Checkpoints
  let longReads = LongReads()
  let figures = StoreFigures()
  /// Removes expired keys, once it is started.
  let expiry: ExpiryWorker
  /// Removes what range deletes leave of hashes and sets, once it is started.
  let orphans: OrphanWorker

  init(_ store: Store, log: @escaping @Sendable (String) -> Void) {
    self.store = store
    checkpoints = Checkpoints(store: store)
    expiry = ExpiryWorker(
      store: store, failed: { log("cannot remove expired keys: \($0)") },
      clockMoved: { log(Self.sentence(aboutClockFrom: $0, to: $1)) })
    orphans = OrphanWorker(store: store) {
      log("cannot remove fields and members of hashes and sets that a range delete removed: \($0)")
    }
  }

  private static func sentence(aboutClockFrom before: UInt64, to lead: UInt64) -> String {
    let seconds = lead / 1000
    let time = "\(seconds / 3600) h \(seconds / 60 % 60) min \(seconds % 60).\(lead % 1000 / 100) s"
    if lead == 0 { return "the system clock has caught up with the expiry clock" }
    return
      "the system clock is \(time) behind the expiry clock, which never runs backward: the system clock "
      + (before == 0 ? "was set back, or was ahead before" : "was set again")
      + "; EXPIREAT and similar commands use the system clock; `kvd recover --reset-clock` removes the difference"
  }

  /// Makes the store signal event loops about what they may wait for.
  func signal(_ handles: [LoopHandle]) {
    for handle in handles { store.observe { handle.signal(.progress) } }
  }

  /// Starts the workers, which run until `finish`.
  func start() {
    expiry.start()
    orphans.start()
  }

  /// Stops everything that works on the store, which stays open.
  func finish() {
    longReads.finish()
    figures.finish()
    checkpoints.finish()
    expiry.close()
    orphans.close()
  }
}
