/// The clock for measuring intervals. It never determines an order; LSNs and sequences do.
package enum MonotonicTime {
  private static let origin = ContinuousClock.now

  /// The time since an arbitrary origin before the first call; in a simulation, the scheduler's time.
  package static var now: Duration {
    Scheduling.current?.now ?? ContinuousClock.now - origin
  }
}
