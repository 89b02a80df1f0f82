/// What a signal to stop comes to, by what came before it.
///
/// Process managers and terminals may send two at once, to the process and to its group: that is one stop. A later
/// one is from somebody who does not want to wait.
package struct StopSequence: Sendable {
  package enum Step: Sendable, Equatable {
    /// The first one: begin to stop.
    case begin
    /// It belongs to the first one.
    case same
    /// End at once.
    case force
  }

  /// How long after the first one another belongs to it.
  package static let sameStopMilliseconds: Int64 = 1000

  private var first: Int64?

  package init() {}

  /// - Parameter now: milliseconds of a clock that nobody sets.
  package mutating func receive(at now: Int64) -> Step {
    guard let first else {
      self.first = now
      return .begin
    }
    return now - first <= Self.sameStopMilliseconds ? .same : .force
  }
}
