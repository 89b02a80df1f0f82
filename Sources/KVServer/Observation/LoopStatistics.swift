import Base
import Synchronization

/// One event loop's counts of each command and each error. INFO sums over the loops.
final class LoopStatistics: Sendable {
  /// The counts of one command over all loops.
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

  /// More than the number of commands.
  private static let commandLimit = 320
  /// By index in the command table. Stored inline, so that counting follows no reference.
  private let counts = InlineArray<320, CommandCounts> { _ in CommandCounts() }
  private let commandCount: Int
  /// By code, such as `ERR`.
  private let errors = Lock<[String: UInt64]>([:])
  /// More than the kinds of errors, not counting those that DEBUG makes up.
  private static let errorKindLimit = 128

  init(commandCount: Int) {
    precondition(commandCount <= Self.commandLimit, "there are more commands than are counted")
    self.commandCount = commandCount
  }

  /// Only the loop itself may call this, and everything else that counts commands.
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

  /// The counts of the commands that were called or rejected, summed over these loops.
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

/// One event loop's counts of one command. Only that loop writes, so a plain load and store suffice for
/// other threads to read whole numbers, and counting takes a few instructions.
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
