import Base
import Synchronization

/// What one event loop has counted of each command and each error. INFO adds the loops up.
final class LoopStatistics: Sendable {
  /// What was counted of a command by all loops.
  struct Tally: Sendable {
    var calls: UInt64 = 0
    var nanoseconds: UInt64 = 0
    var rejected: UInt64 = 0
    var failed: UInt64 = 0
    var histogram = Histogram()

    var isEmpty: Bool { calls == 0 && rejected == 0 }

    func since(_ earlier: Tally) -> Tally {
      var tally = self
      tally.calls -= earlier.calls
      tally.nanoseconds -= earlier.nanoseconds
      tally.rejected -= earlier.rejected
      tally.failed -= earlier.failed
      tally.histogram.subtract(earlier.histogram)
      return tally
    }
  }

  /// More commands than there are.
  private static let commandLimit = 320
  /// By index in the table, in this object itself: so counting takes no reference.
  private let counts = InlineArray<320, CommandCounts> { _ in CommandCounts() }
  private let commandCount: Int
  /// By code, as in `ERR`.
  private let errors = Lock<[String: UInt64]>([:])
  /// More kinds of errors than there are, but for those that DEBUG makes up.
  private static let errorKindLimit = 128

  init(commandCount: Int) {
    precondition(commandCount <= Self.commandLimit, "there are more commands than are counted")
    self.commandCount = commandCount
  }

  /// To be called by the loop alone, as of all that counts commands.
  @inline(__always)
  func add(_ command: Int, nanoseconds: UInt64, hasFailed: Bool, tracksLatency: Bool) {
    counts[command].add(nanoseconds, hasFailed: hasFailed, tracksLatency: tracksLatency)
  }

  func addRejected(_ command: Int) { counts[command].addRejected() }

  func addError(_ code: String) {
    errors.withLock { errors in
      guard errors[code] != nil || errors.count < Self.errorKindLimit else { return }
      errors[code, default: 0] += 1
    }
  }

  func resetErrors() { errors.withLock { $0 = [:] } }

  static func errors(of loops: [LoopStatistics]) -> [String: UInt64] {
    loops.reduce(into: [:]) { $0.merge($1.errors.withLock { $0 }, uniquingKeysWith: +) }
  }

  /// What these loops have counted of the commands that there were any of.
  static func tallies(of loops: [LoopStatistics]) -> [Int: Tally] {
    var tallies: [Int: Tally] = [:]
    for loop in loops {
      for command in 0..<loop.commandCount where !loop.counts[command].isEmpty {
        loop.counts[command].add(to: &tallies[command, default: Tally()])
      }
    }
    return tallies
  }
}

/// What one event loop has counted of one command. Only that loop writes, so a plain load and store is
/// enough for others to read whole numbers, and a command costs a few instructions here.
private struct CommandCounts: ~Copyable, Sendable {
  private let calls = Atomic<UInt64>(0)
  private let nanoseconds = Atomic<UInt64>(0)
  private let rejected = Atomic<UInt64>(0)
  private let failed = Atomic<UInt64>(0)
  private let slots = InlineArray<223, Atomic<UInt32>> { _ in Atomic(0) }

  @inline(__always)
  func add(_ nanoseconds: UInt64, hasFailed: Bool, tracksLatency: Bool) {
    calls.store(calls.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    self.nanoseconds.store(
      self.nanoseconds.load(ordering: .relaxed) &+ nanoseconds, ordering: .relaxed)
    if hasFailed { failed.store(failed.load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
    guard tracksLatency else { return }
    let slot = Histogram.slot(of: nanoseconds)
    slots[slot].store(slots[slot].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  func addRejected() { rejected.store(rejected.load(ordering: .relaxed) + 1, ordering: .relaxed) }

  var isEmpty: Bool {
    calls.load(ordering: .relaxed) == 0 && rejected.load(ordering: .relaxed) == 0
  }

  func add(to tally: inout LoopStatistics.Tally) {
    tally.calls += calls.load(ordering: .relaxed)
    tally.nanoseconds += nanoseconds.load(ordering: .relaxed)
    tally.rejected += rejected.load(ordering: .relaxed)
    tally.failed += failed.load(ordering: .relaxed)
    for slot in 0..<Histogram.slotCount {
      tally.histogram.add(slots[slot].load(ordering: .relaxed), in: slot)
    }
  }
}
