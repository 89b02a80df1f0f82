/// The clock that intervals are measured with. It never decides an order: that is for LSNs and sequences.
package enum MonotonicTime {
  private static let origin = ContinuousClock.now

  /// The time since some moment before the first call; in a simulation, what the scheduler says.
  package static var now: Duration {
    Scheduling.current?.now ?? ContinuousClock.now - origin
  }
}
