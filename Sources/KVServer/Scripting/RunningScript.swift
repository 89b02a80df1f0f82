import Base
import Synchronization

/// The running script, for SCRIPT KILL. There is at most one, because a script is an evaluation.
final class RunningScript: Sendable {
  private static let none: UInt8 = 0
  private static let running: UInt8 = 1
  private static let killed: UInt8 = 2

  private let state = Atomic<UInt8>(none)

  func begin() { state.store(Self.running, ordering: .relaxed) }
  func end() { state.store(Self.none, ordering: .relaxed) }

  /// Makes the script end soon, whichever event loop runs it. Returns false if there is none.
  func kill() -> Bool {
    let (_, found) = state.compareExchange(
      expected: Self.running, desired: Self.killed, ordering: .relaxed)
    return found != Self.none
  }

  var isKilled: Bool { state.load(ordering: .relaxed) == Self.killed }
}
