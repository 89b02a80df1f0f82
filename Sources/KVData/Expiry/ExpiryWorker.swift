import Base
import KVStore
import Synchronization

/// The thread that removes expired entries.
///
/// Reads already hide expired entries, so the worker need not hurry. It takes the oldest entries of the expiry
/// index, a chunk at a time, checks each entry named there in one batch, and removes those that have expired. Other
/// writers run between chunks, so even a hundred million keys that expire within one second do not delay them
/// noticeably.
public final class ExpiryWorker: Sendable {
  /// How often the clock record is written while the machine's clock is behind the store's, in addition to every
  /// change of the lead. After a restart the lead continues from the record. If that is not possible, because the
  /// machine's clock was set while the store was closed, the store's clock continues close to where it was.
  private static let recordInterval = Duration.seconds(60)

  private let store: Store
  private let clockMoved: @Sendable (_ from: UInt64, _ to: UInt64) -> Void
  private let loop: RemovalLoop
  private let pause = Atomic<Bool>(false)
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: called on the worker's thread with the reason why nothing can be removed at the moment. The
  ///   worker retries.
  /// - Parameter clockMoved: called on the same thread, once per event, when the machine's clock was set back or has
  ///   caught up. Receives the previous and the current lead of the store's clock in milliseconds.
  public init(
    store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in },
    clockMoved: @escaping @Sendable (_ from: UInt64, _ to: UInt64) -> Void = { _, _ in }
  ) {
    self.store = store
    loop = RemovalLoop(store, failed: failed)
    self.clockMoved = clockMoved
    store.attachMaps()
  }

  /// Starts the thread. Call once.
  public func start() { loop.start("kvd-expiry") { self.run() } }

  /// Stops the thread after the current chunk, or at once if that chunk waits for room. Call before the store is
  /// closed.
  public func close() { loop.close() }

  /// Whether the worker pauses. Expired entries stay hidden.
  public var isPaused: Bool {
    get { pause.load(ordering: .relaxed) }
    set { pause.store(newValue, ordering: .relaxed) }
  }

  /// The number of entries removed.
  public var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  private func run() {
    let reader = store.makeReader()
    defer { reader.close() }
    var pass = ExpiryPass(store, reader)
    var clock = ClockState()
    loop.run { () throws(StoreError) in
      checkClock(&clock)
      if isPaused { return .idle }
      let before = pass.removedCount
      defer { removed.add(pass.removedCount - before, ordering: .relaxed) }
      return try pass.removeChunk(isWanted: { !loop.isStopped }) ? .more : .idle
    }
    checkClock(&clock)
  }

  private struct ClockState {
    var lead: UInt64 = 0
    /// The lead in the last record written, and the time of the last attempt.
    var recordedLead: UInt64 = 0
    var triedAt: Duration?
    var isRefused = false
  }

  private func checkClock(_ clock: inout ClockState) {
    let lead = store.clockLead
    if lead != clock.lead { clockMoved(clock.lead, lead) }
    clock.lead = lead
    // A later lead comes from another change of the machine's clock, even if it is equal.
    if lead == 0 { clock.recordedLead = 0 }
    let now = MonotonicTime.now
    guard lead != 0, isRecordDue(clock, now) else { return }
    clock.triedAt = now
    clock.isRefused = !recordClock()
    if !clock.isRefused { clock.recordedLead = lead }
  }

  private func isRecordDue(_ clock: ClockState, _ now: Duration) -> Bool {
    guard let triedAt = clock.triedAt else { return true }
    if clock.isRefused { return now - triedAt >= .milliseconds(RemovalLoop.refusedMilliseconds) }
    return clock.lead != clock.recordedLead || now - triedAt >= Self.recordInterval
  }

  /// Returns false if the record cannot be written at the moment.
  private func recordClock() -> Bool {
    guard (try? store.tryAdmit(byteCount: 64)) == true else { return false }
    let receipt = try? store.evaluate { evaluation throws(StoreError) in
      try evaluation.putClock()
    }.receipt
    if receipt != nil { store.requestSync() }
    return receipt != nil
  }
}
