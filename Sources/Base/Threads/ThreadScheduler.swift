import Synchronization

/// Schedules threads in a simulation: one runs at a time, in an order determined by the seed alone.
///
/// Threads switch only when they sleep in a `Monitor`, at crash points, and when they start and end. So runs with
/// the same seed are identical.
package protocol ThreadScheduler: AnyObject, Sendable {
  /// A thread is about to be created. Returns its id.
  func willStart(_ name: String) -> Int
  /// Called on the new thread; returns when the thread may run.
  func begin(_ thread: Int)
  /// Called on the thread as its last action.
  func end(_ thread: Int)
  /// Returns when `thread` has ended.
  func join(_ thread: Int)
  /// The caller sleeps until `wake` is called for `monitor`, or until `milliseconds` have passed.
  func sleep(on monitor: ObjectIdentifier, milliseconds: Int?)
  /// The simulated time, which may jump.
  var now: Duration { get }
  /// Wakes one sleeper of `monitor`, or all.
  func wake(_ monitor: ObjectIdentifier, all: Bool)
}

/// Holds the scheduler of a simulation. Without one, threads are scheduled by the operating system.
package enum Scheduling {
  private static let isSimulated = Atomic<Bool>(false)
  private static let scheduler = Lock<(any ThreadScheduler)?>(nil)

  /// The active scheduler, if any. Read only by threads that are about to sleep, wake others or start, or that need
  /// the time.
  package static var current: (any ThreadScheduler)? {
    isSimulated.load(ordering: .relaxed) ? scheduler.withLock { $0 } : nil
  }

  /// Installs a scheduler. Only the calling thread may be running.
  package static func simulate(_ new: (any ThreadScheduler)?) {
    scheduler.withLock { $0 = new }
    isSimulated.store(new != nil, ordering: .relaxed)
  }
}
