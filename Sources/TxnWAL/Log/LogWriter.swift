import Base
import Synchronization

/// A group of records on its way to the disk, all acknowledged by one sync.
struct LogGroup: ~Copyable {
  var buffer = LogBuffer()
  /// The newest transaction that was decided in it or before.
  var lastSequence: UInt64 = 0
}

/// Writes groups to the log: one at a time, by whichever thread has the best reason to.
///
/// A thread that needs its own bytes durable and finds nobody writing does it itself, which spares the
/// hand-over; the writer's own thread takes what others leave behind.
///
/// Sound as `@unchecked Sendable`: `group`, `takeGroup`, `unsynced` and `skippedCount` belong to whoever has
/// the `role`; `thread` is set before other threads know the writer; the rest is atomic or inside `monitor`.
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

  /// What the writer's thread sleeps in.
  private let monitor = Monitor()
  private var isRequested = false
  private var isClosing = false
  /// With periodic durability. Changed by whoever has the role.
  private var deadline = SyncDeadline()

  private let isPoisoned = Atomic<Bool>(false)
  private let poison = Lock<LogError?>(nil)
  private let observers = Lock<[@Sendable () -> Void]>([])
  private let waiters = AcknowledgementWaiters()

  init(segments: SegmentSet, durability: Durability, watermarks: Watermarks) {
    self.segments = segments
    self.durability = durability
    self.watermarks = watermarks
  }

  func start(takeGroup: @escaping (inout LogGroup) -> Void) {
    self.takeGroup = takeGroup
    thread = WorkerThread(name: "kvd-log") { self.run() }
  }

  /// Ends the thread; everything that comes later, or is still waiting, is refused.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    role.take()
    poison(.closed)
    // What keeps the coordinator alive.
    takeGroup = { _ in }
    observers.withLock { $0 = [] }
    role.giveUp()
  }

  // MARK: Poison

  var poisoned: LogError? { hasFailed ? poison.withLock { $0 } : nil }

  /// Whether `poisoned` has anything to say.
  var hasFailed: Bool { isPoisoned.load(ordering: .acquiring) }

  /// Refuses everything from now on; the first reason stays.
  func poison(_ reason: LogError) {
    let reason =
      switch reason {
      case .poisoned, .closed: reason
      default: LogError.poisoned(because: "\(reason)")
      }
    poison.withLock { $0 = $0 ?? reason }
    isPoisoned.store(true, ordering: .releasing)
    role.wakeAll()
    if let poisoned { waiters.resumeAll(throwing: poisoned) }
    tellObservers()
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

  /// Syncs what was written but left to the periodic sync.
  func syncWritten() throws(LogError) {
    role.take()
    defer { role.giveUp() }
    try syncUnsynced()
    tellObservers()
  }

  func waitUntilAcknowledged(_ lsn: LSN) throws(LogError) {
    while watermarks.acknowledged < lsn {
      if let poisoned { throw poisoned }
      if role.tryTake() {
        defer { role.giveUp() }
        let wroteSome = try writeGroup()
        precondition(wroteSome || watermarks.acknowledged >= lsn, "a position never appended")
      } else {
        role.sleep(until: lsn) { hasFailed || watermarks.acknowledged >= lsn }
      }
    }
  }

  func acknowledged(_ lsn: LSN) async throws(LogError) {
    if watermarks.acknowledged >= lsn { return }
    try await waiters.wait(for: lsn) {
      // Asked for, and looked at once more, when the waiter is on the list and cannot be missed.
      requestSync()
      waiters.resume(upTo: watermarks.acknowledged)
      if let poisoned { waiters.resumeAll(throwing: poisoned) }
    }
  }

  /// Only for whoever has the role. False where nothing was buffered. A failure poisons: nothing is
  /// written a second time.
  ///
  /// It writes and syncs, and waits for no room: the segments that a group needs were there before any of
  /// it was ordered (`Sequencer.commit`). So an event loop may call it, also on a full disk.
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
      let mustSync = durability == .sync || startsSyncLate()
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
    tellObservers()
    return true
  }

  /// With periodic durability, before a group is written: whether what was written before has stayed unsynced
  /// for so long that nothing more may be acknowledged without a sync. The writer's thread has not come to it
  /// then, on a busy machine for example.
  private func startsSyncLate() -> Bool {
    let now = MonotonicTime.now
    return monitor.withLock {
      if deadline.willWrite(at: now) { monitor.signal() }
      return deadline.isOver(at: now) && !DeliberateBug.syncsLate.isOn
    }
  }

  /// Makes everything written durable. What becomes acknowledged by that is acknowledged in `done`,
  /// before the durable mark moves: whoever sees a position durable sees its batch published.
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
  }

  /// Only in builds with deliberate bugs.
  private func skipsSync() -> Bool {
    guard DeliberateBug.skipsGroupSync.isOn else { return false }
    skippedCount += 1
    return skippedCount % 2 == 0
  }

  // MARK: Observers

  func observe(_ notify: @escaping @Sendable () -> Void) {
    observers.withLock { $0.append(notify) }
  }

  func tellObservers() {
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
      // An error has poisoned the log by now, and whoever waits is told by that.
      if isAsked { try? writeAll() }
      if isDue { try? syncWritten() }
      if monitor.withLock({ isClosing }) { return }
    }
  }

  /// Inside the monitor: sleeps until it is told, or until what was written must be synced.
  private func sleep() {
    guard !hasFailed, let left = deadline.left(at: MonotonicTime.now) else { return monitor.wait() }
    if left == .zero { return }
    if DeliberateBug.syncsLate.isOn { return monitor.wait(milliseconds: 2000) }
    // Rounded up, or it would wake a moment too early.
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
