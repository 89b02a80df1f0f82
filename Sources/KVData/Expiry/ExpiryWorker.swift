import Base
import KVStore
import Synchronization

/// The thread that removes what has expired.
///
/// What has expired is hidden from every read already, so the worker is never in a hurry: it takes the oldest
/// entries of the index of expiries, a chunk at a time, looks in one batch at each entry that is named
/// there, and removes those that have indeed expired. Between chunks everybody else has their turn, so that
/// the end of a hundred million keys in one second is noticed by nobody.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, `thread` by whoever
/// starts and closes the worker.
public final class ExpiryWorker: @unchecked Sendable {
  private static let idleMilliseconds = 100
  /// After a refusal, as of a full disk.
  private static let refusedMilliseconds = 1000
  /// How often the clock's record is written while the machine's clock is behind it, beside each time that the lead
  /// has changed. The lead goes on from the record; where it may not, because the machine's clock was set while the
  /// store was closed, the store's clock goes on nearly where it was.
  private static let recordInterval = Duration.seconds(60)

  private let store: Store
  private let failed: @Sendable (StoreError) -> Void
  private let clockMoved: @Sendable (_ from: UInt64, _ to: UInt64) -> Void
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isClosing = false
  private let pause = Atomic<Bool>(false)
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: is told why nothing can be removed for the moment, from the worker's thread; the
  ///   worker tries again.
  /// - Parameter clockMoved: is told, from the same thread and once for each time, that the machine's clock was set
  ///   back, or has caught up: the milliseconds by which the store's clock was ahead of it before, and is now.
  public init(
    store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in },
    clockMoved: @escaping @Sendable (_ from: UInt64, _ to: UInt64) -> Void = { _, _ in }
  ) {
    self.store = store
    self.failed = failed
    self.clockMoved = clockMoved
    store.attachMaps()
  }

  /// Starts the thread. To be called once.
  public func start() {
    thread = WorkerThread(name: "kvd-expiry") { self.run() }
  }

  /// Ends the thread after the chunk that is under way, or at once where that waits for room. To be called before the
  /// store is closed.
  public func close() {
    store.requireOutsideEvaluation()
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  /// Whether the worker rests; what has expired stays hidden all the same.
  public var isPaused: Bool {
    get { pause.load(ordering: .relaxed) }
    set { pause.store(newValue, ordering: .relaxed) }
  }

  /// How many entries it has removed.
  public var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  private func run() {
    let reader = store.makeReader()
    defer { reader.close() }
    var pass = ExpiryPass(store, reader)
    var clock = ClockState()
    var isRefused = false
    while true {
      var pause = Self.idleMilliseconds
      lookAtClock(&clock)
      if !isPaused {
        let before = pass.removedCount
        do throws(StoreError) {
          if try pass.removeChunk(isWanted: { !isStopped }) { pause = 0 }
          isRefused = false
        } catch .cancelled {
          // The thread is to end.
        } catch {
          // Once for each stretch of refusals.
          if !isRefused { failed(error) }
          isRefused = true
          pause = Self.refusedMilliseconds
        }
        removed.add(pass.removedCount - before, ordering: .relaxed)
      }
      guard waits(milliseconds: pause) else { return lookAtClock(&clock) }
    }
  }

  private struct ClockState {
    var lead: UInt64 = 0
    /// Of the record that was written last, and when that was tried last.
    var recordedLead: UInt64 = 0
    var triedAt: Duration?
    var isRefused = false
  }

  private func lookAtClock(_ clock: inout ClockState) {
    let lead = store.clockLead
    if lead != clock.lead { clockMoved(clock.lead, lead) }
    clock.lead = lead
    // The next one is of another setting of the machine's clock, even if it is as much.
    if lead == 0 { clock.recordedLead = 0 }
    let now = MonotonicTime.now
    guard lead != 0, isRecordDue(clock, now) else { return }
    clock.triedAt = now
    clock.isRefused = !recordClock()
    if !clock.isRefused { clock.recordedLead = lead }
  }

  private func isRecordDue(_ clock: ClockState, _ now: Duration) -> Bool {
    guard let triedAt = clock.triedAt else { return true }
    if clock.isRefused { return now - triedAt >= .milliseconds(Self.refusedMilliseconds) }
    return clock.lead != clock.recordedLead || now - triedAt >= Self.recordInterval
  }

  /// False where it cannot be written now.
  private func recordClock() -> Bool {
    guard (try? store.tryAdmit(byteCount: 64)) == true else { return false }
    let receipt = try? store.evaluate { evaluation throws(StoreError) in
      try evaluation.putClock()
    }.receipt
    if receipt != nil { store.requestSync() }
    return receipt != nil
  }

  private var isStopped: Bool { monitor.withLock { isClosing } }

  /// False when the worker is to end.
  private func waits(milliseconds: Int) -> Bool {
    monitor.withLock {
      if !isClosing, milliseconds > 0 { monitor.wait(milliseconds: milliseconds) }
      return !isClosing
    }
  }
}
