import Base
import Synchronization

/// A group of records to be written together and acknowledged by one sync.
struct LogGroup: ~Copyable {
  var buffer = LogBuffer()
  /// The sequence of the newest transaction committed in this group or before it.
  var lastSequence: UInt64 = 0
}

/// Writes groups to the log, one at a time, on whichever thread has the best reason to.
///
/// A thread that needs its own bytes durable and finds no write in progress writes the group itself, which saves
/// the hand-over. The writer's own thread writes the rest.
///
/// Sound as `@unchecked Sendable`: `group`, `takeGroup`, `unsynced` and `skippedCount` belong to the holder of
/// `role`; `thread` is set before other threads know the writer; the rest is atomic or accessed inside `monitor`.
final class LogWriter: @unchecked Sendable {
  private let segments: SegmentSet
  private let durability: Durability
  private let watermarks: Watermarks
  private var takeGroup: (inout LogGroup) -> Void = { _ in }
  private var thread: WorkerThread?

  private var group = LogGroup()
  private var unsynced: ClosedRange<Int>?
  private var skippedCount = 0
  private let role = WriterRole()

  /// The writer's thread sleeps on this.
  private let monitor = Monitor()
  private var isRequested = false
  private var isClosing = false
  /// For periodic durability. Changed only by the holder of the role.
  private var deadline = SyncDeadline()

  private let isPoisoned = Atomic<Bool>(false)
  private let poison = Lock<LogError?>(nil)
  private let observers = Lock<[@Sendable () -> Void]>([])
  private let waiters = AcknowledgementWaiters()
  /// What cursors wait for.
  let progress: DurableProgress

  init(segments: SegmentSet, durability: Durability, watermarks: Watermarks) {
    self.segments = segments
    self.durability = durability
    self.watermarks = watermarks
    progress = DurableProgress(watermarks)
  }

  func start(takeGroup: @escaping (inout LogGroup) -> Void) {
    self.takeGroup = takeGroup
    thread = WorkerThread(name: "kvd-log") { self.run() }
  }

  /// Stops the thread. Later calls and remaining waiters are refused.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    role.take()
    poison(.closed)
    progress.close()
    // These closures keep the coordinator alive.
    takeGroup = { _ in }
    observers.withLock { $0 = [] }
    role.giveUp()
  }

  // MARK: Poison

  var poisoned: LogError? { hasFailed ? poison.withLock { $0 } : nil }

  /// Whether `poisoned` is non-nil.
  var hasFailed: Bool { isPoisoned.load(ordering: .acquiring) }

  /// Refuses all writes from here on. The first reason is kept.
  func poison(_ reason: LogError) {
    let reason =
      switch reason {
      case .poisoned, .closed: reason
      // Not in the words of `.diskFull`: with a poisoned log, writes do not resume when there is space again.
      case .diskFull(let error): LogError.poisoned(because: "\(error)")
      default: LogError.poisoned(because: "\(reason)")
      }
    poison.withLock { $0 = $0 ?? reason }
    isPoisoned.store(true, ordering: .releasing)
    role.wakeAll()
    if let poisoned {
      waiters.resumeAll(throwing: poisoned)
      progress.end(because: poisoned)
    }
    notifyObservers()
  }

  // MARK: Writing

  func syncIfIdle() throws(LogError) -> Bool {
    guard role.tryTake() else {
      requestSync()
      return false
    }
    defer { role.giveUp() }
    try writeGroup()
    return true
  }

  func requestSync() {
    monitor.withLock {
      isRequested = true
      monitor.signal()
    }
  }

  /// Syncs what has been written but left to the periodic sync.
  func syncWritten() throws(LogError) {
    role.take()
    defer { role.giveUp() }
    try syncUnsynced()
    notifyObservers()
  }

  func waitUntilAcknowledged(_ lsn: LSN) throws(LogError) {
    while watermarks.acknowledged < lsn {
      if let poisoned { throw poisoned }
      if role.tryTake() {
        defer { role.giveUp() }
        let wroteSome = try writeGroup()
        precondition(
          wroteSome || watermarks.acknowledged >= lsn,
          "waiting for a position that was never appended")
      } else {
        role.sleep(until: lsn) { hasFailed || watermarks.acknowledged >= lsn }
      }
    }
  }

  func acknowledged(_ lsn: LSN) async throws(LogError) {
    if watermarks.acknowledged >= lsn { return }
    try await waiters.wait(for: lsn) {
      // The waiter is listed, so it cannot be missed: request a sync, and check again.
      requestSync()
      waiters.resume(upTo: watermarks.acknowledged)
      if let poisoned { waiters.resumeAll(throwing: poisoned) }
    }
  }

  /// Writes the buffered group; call only while holding the role. Returns false if nothing was buffered. A failure
  /// poisons the log: nothing is written a second time.
  ///
  /// It writes and syncs but never waits for space: the segments that a group needs were prepared before any of it
  /// was sequenced (`Sequencer.commit`). So an event loop may call it, even on a full disk.
  @discardableResult
  private func writeGroup() throws(LogError) -> Bool {
    if let poisoned { throw poisoned }
    takeGroup(&group)
    let end = group.buffer.end
    guard group.buffer.byteCount > 0 else { return false }
    role.tookGroup(upTo: end)
    CrashPoint.reached(.groupTaken)
    do throws(LogError) {
      CrashPoint.reached(.groupBeforeWrite)
      let mustSync = durability == .sync || isSyncOverdue()
      if DeliberateBug.acknowledgesEarly.isOn {
        watermarks.acknowledge(end, publishing: group.lastSequence)
      }
      let touched = try group.buffer.withBytes(in: 0..<group.buffer.byteCount) {
        bytes throws(LogError) in try segments.write(bytes, at: group.buffer.start)
      }
      CrashPoint.reached(.groupAfterWrite)
      let first = min(unsynced?.lowerBound ?? touched.lowerBound, touched.lowerBound)
      unsynced = first...touched.upperBound
      if mustSync {
        try syncUnsynced { watermarks.acknowledge(end, publishing: group.lastSequence) }
      } else {
        watermarks.acknowledge(end, publishing: group.lastSequence)
      }
    } catch {
      poison(error)
      throw poisoned ?? error
    }
    CrashPoint.reached(.groupAfterPublish)
    DeliberateBug.showFirstPartition(upTo: group.lastSequence)
    waiters.resume(upTo: end)
    notifyObservers()
    return true
  }

  /// With periodic durability, called before a group is written. Returns whether earlier writes have been unsynced
  /// for so long that nothing more may be acknowledged without a sync. That happens if the writer's thread is late,
  /// for example on a busy machine.
  private func isSyncOverdue() -> Bool {
    let now = MonotonicTime.now
    return monitor.withLock {
      if deadline.willWrite(at: now) { monitor.signal() }
      return deadline.isOver(at: now) && !DeliberateBug.syncsLate.isOn
    }
  }

  /// Makes everything written durable. `done` acknowledges what this sync covers. It runs before the durable mark
  /// moves, so a reader that sees a position as durable also sees its batch published.
  private func syncUnsynced(done: () -> Void = {}) throws(LogError) {
    guard let touched = unsynced else { return }
    if let poisoned { throw poisoned }
    do throws(LogError) {
      CrashPoint.reached(.groupBeforeSync)
      if !skipsSync() { try segments.sync(touched) }
      CrashPoint.reached(.groupAfterSync)
    } catch {
      poison(error)
      throw poisoned ?? error
    }
    unsynced = nil
    if durability == .periodic { monitor.withLock { deadline.didSync() } }
    CrashPoint.reached(.groupBeforePublish)
    done()
    watermarks.moveDurable(to: watermarks.acknowledged, sequence: watermarks.published)
    progress.moved()
  }

  /// Always false except in builds with deliberate bugs.
  private func skipsSync() -> Bool {
    guard DeliberateBug.skipsGroupSync.isOn else { return false }
    skippedCount += 1
    return skippedCount % 2 == 0
  }

  // MARK: Observers

  func observe(_ notify: @escaping @Sendable () -> Void) {
    observers.withLock { $0.append(notify) }
  }

  func notifyObservers() {
    let observers = observers.withLock { $0 }
    for notify in observers { notify() }
  }

  // MARK: The writer's thread

  private func run() {
    while true {
      let (isAsked, isDue) = monitor.withLock {
        if !isRequested && !isClosing { sleep() }
        defer { isRequested = false }
        return (isRequested, deadline.left(at: MonotonicTime.now) == .zero)
      }
      // An error has poisoned the log, and waiters are told through that.
      if isAsked { try? writeAll() }
      if isDue { try? syncWritten() }
      if monitor.withLock({ isClosing }) { return }
    }
  }

  /// Inside the monitor: sleeps until signalled, or until written bytes must be synced.
  private func sleep() {
    guard !hasFailed, let left = deadline.left(at: MonotonicTime.now) else { return monitor.wait() }
    if left == .zero { return }
    if DeliberateBug.syncsLate.isOn { return monitor.wait(milliseconds: 2000) }
    // Rounded up, to not wake just before the deadline.
    monitor.wait(milliseconds: Int(left / .milliseconds(1)) + 1)
  }

  private func writeAll() throws(LogError) {
    var wroteSome = true
    while wroteSome {
      role.take()
      defer { role.giveUp() }
      wroteSome = try writeGroup()
    }
  }
}
