import Synchronization

/// Decides which thread runs, in a simulation: one at a time, in an order that depends on a seed alone.
///
/// Threads change places only where they sleep in a `Monitor`, at crash points, and where they begin and
/// end; so a run with one seed is always the same run.
package protocol ThreadScheduler: AnyObject, Sendable {
  /// A thread is about to be made. What is returned stands for it.
  func willStart(_ name: String) -> Int
  /// Called on the new thread: returns when it is its turn.
  func begin(_ thread: Int)
  /// Called on the thread, as the last thing it does.
  func end(_ thread: Int)
  /// Returns when `thread` has ended.
  func join(_ thread: Int)
  /// The caller sleeps until `wake` is called for `monitor`, or for `milliseconds`.
  func sleep(on monitor: ObjectIdentifier, milliseconds: Int?)
  /// What the clock shows, which may jump.
  var now: Duration { get }
  /// One sleeper may go on, or all.
  func wake(_ monitor: ObjectIdentifier, all: Bool)
}

/// Where a simulation puts its scheduler. Threads of the system run freely without one.
package enum Scheduling {
  private static let isSimulated = Atomic<Bool>(false)
  private static let scheduler = Lock<(any ThreadScheduler)?>(nil)

  /// The scheduler in charge. Asked only by threads that are about to sleep, wake others or begin, or
  /// that want to know the time.
  package static var current: (any ThreadScheduler)? {
    isSimulated.load(ordering: .relaxed) ? scheduler.withLock { $0 } : nil
  }

  /// Puts a scheduler in charge, while no thread but the caller's runs.
  package static func simulate(_ new: (any ThreadScheduler)?) {
    scheduler.withLock { $0 = new }
    isSimulated.store(new != nil, ordering: .relaxed)
  }
}
