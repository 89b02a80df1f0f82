import KVData
import KVStore

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
      store: store, failed: { log("cannot remove what has expired: \($0)") },
      clockMoved: { log(Self.sentence(aboutClockFrom: $0, to: $1)) })
    orphans = OrphanWorker(store: store) {
      log("cannot remove what range deletes have left of hashes and sets: \($0)")
    }
  }

  private static func sentence(aboutClockFrom before: UInt64, to lead: UInt64) -> String {
    let seconds = lead / 1000
    let time = "\(seconds / 3600) h \(seconds / 60 % 60) min \(seconds % 60).\(lead % 1000 / 100) s"
    if lead == 0 { return "the machine's clock has caught up with the time by which keys expire" }
    return
      "the machine's clock is \(time) behind the time by which keys expire, which never goes back"
      + (before == 0 ? ": it was set back, or was ahead before" : ": it was set again")
      + "; EXPIREAT and the like count by the machine's clock; `kvd recover --reset-clock` ends this"
  }

  /// Makes the store signal event loops about what they may wait for.
  func signal(_ handles: [LoopHandle]) {
    for handle in handles { store.observe { handle.signal() } }
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
