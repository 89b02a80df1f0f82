/// What a stop signal means, given those before it.
///
/// Process managers and terminals may send two signals at once, to the process and to its group: that is
/// one stop. A later signal means that the operator does not want to wait.
package struct StopSequence: Sendable {
  package enum Step: Sendable, Equatable {
    /// The first signal: begin to stop.
    case begin
    /// Part of the first stop.
    case same
    /// Exit immediately.
    case force
  }

  /// For how long after the first signal others belong to it.
  package static let sameStopMilliseconds: Int64 = 1000

  private var first: Int64?

  package init() {}

  /// - Parameter now: milliseconds of a monotonic clock.
  package mutating func receive(at now: Int64) -> Step {
    guard let first else {
      self.first = now
      return .begin
    }
    return now - first <= Self.sameStopMilliseconds ? .same : .force
  }
}
