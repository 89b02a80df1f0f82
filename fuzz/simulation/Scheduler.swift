import Base
import Dispatch
import FaultDevices

/// Lets one thread run at a time and chooses the next by seed, so that a run can be told by its seed.
///
/// Sound as `@unchecked Sendable`: the fields belong to the thread whose turn it is, and a turn is
/// handed on through a semaphore.
final class Scheduler: ThreadScheduler, @unchecked Sendable {
  /// What a run is not expected to need: more is a thread that waits for something that never comes.
  static let switchLimit = 400_000

  private final class Thread {
    let name: String
    let turn = DispatchSemaphore(value: 0)
    var state = State.ready

    init(_ name: String) { self.name = name }
  }

  private enum State: Equatable {
    case ready, ended
    case asleep(ObjectIdentifier, until: Int)
    case joining(Int)
  }

  private var random: SeededGenerator
  private var threads: [Thread] = []
  private let registry = Lock<Void>(())
  private var live = [0]
  private var current: Int
  private var milliseconds = 0
  /// How much the clock is ahead of the time that threads have slept.
  private var jumpedMilliseconds = 0
  private(set) var switchCount = 0
  /// One in how many crash points lets another thread run.
  private let yieldOdds: Int
  /// A hash of every choice that was made: two runs with one seed have the same.
  private(set) var trace: UInt64 = 0

  /// The calling thread is the first one, and it is its turn.
  init(seed: UInt64) {
    random = SeededGenerator(seed)
    yieldOdds = Int.random(in: 1...6, using: &random)
    threads = [Thread("main")]
    current = 0
  }

  func willStart(_ name: String) -> Int {
    registry.withLock { _ in threads.append(Thread(name)) }
    live.append(threads.count - 1)
    return threads.count - 1
  }

  func begin(_ thread: Int) {
    // It is not this one's turn yet, and the list may be growing.
    let me = registry.withLock { _ in threads[thread] }
    me.turn.wait()
  }

  func end(_ thread: Int) {
    threads[thread].state = .ended
    live.removeAll { $0 == thread }
    for other in threads where other.state == .joining(thread) { other.state = .ready }
    let next = choose()
    current = next
    threads[next].turn.signal()
  }

  func join(_ thread: Int) {
    if threads[thread].state == .ended { return }
    threads[current].state = .joining(thread)
    handOver()
  }

  func sleep(on monitor: ObjectIdentifier, milliseconds: Int?) {
    threads[current].state = .asleep(
      monitor, until: milliseconds.map { self.milliseconds + max(1, $0) } ?? .max)
    handOver()
  }

  var now: Duration { .milliseconds(milliseconds + jumpedMilliseconds) }

  /// The same as a number; without jumps it is a clock that nobody sets.
  func milliseconds(withJumps: Bool) -> Int64 {
    Int64(milliseconds + (withJumps ? jumpedMilliseconds : 0))
  }

  /// Whether a thread of that name sleeps until a certain time.
  func sleepsOnClock(_ name: String) -> Bool {
    live.contains { index in
      guard threads[index].name == name, case .asleep(_, let until) = threads[index].state else {
        return false
      }
      return until < .max
    }
  }

  /// Puts the clock forward or back.
  func jump(milliseconds: Int) { jumpedMilliseconds += milliseconds }

  func wake(_ monitor: ObjectIdentifier, all: Bool) {
    for index in live {
      guard case .asleep(monitor, _) = threads[index].state else { continue }
      threads[index].state = .ready
      if !all { return }
    }
  }

  /// Perhaps lets another thread run.
  func yield() {
    if Int.random(in: 0..<yieldOdds, using: &random) == 0 { handOver() }
  }

  /// The same, or has the thread sleep until others have done much.
  func stall() {
    guard Int.random(in: 0..<8, using: &random) == 0 else { return yield() }
    sleep(on: ObjectIdentifier(self), milliseconds: Int.random(in: 1...60, using: &random))
  }

  private func handOver() {
    let me = current
    let next = choose()
    if next == me { return }
    current = next
    // Looked up before: from the signal on the list is the other thread's, which may let it grow.
    let mine = threads[me].turn
    threads[next].turn.signal()
    mine.wait()
  }

  private func choose() -> Int {
    switchCount += 1
    if switchCount > Self.switchLimit { fail("does not come to an end") }
    var ready = live.filter { threads[$0].state == .ready }
    let timed = live.compactMap { index -> (index: Int, until: Int)? in
      if case .asleep(_, let until) = threads[index].state, until < .max {
        (index, until)
      } else {
        nil
      }
    }
    // Time passes while nobody has anything to do, and now and then besides.
    if ready.isEmpty || !timed.isEmpty && Int.random(in: 0..<64, using: &random) == 0 {
      guard let next = timed.min(by: { $0.until < $1.until }) else { fail("all threads wait") }
      milliseconds = max(milliseconds, next.until)
      threads[next.index].state = .ready
      ready.append(next.index)
    }
    let next = ready.randomElement(using: &random)!
    trace = (trace ^ UInt64(next)) &* 0x0000_0100_0000_01B3
    return next
  }

  private func fail(_ reason: String) -> Never {
    let states = live.map { "  \(threads[$0].name): \(threads[$0].state)" }
    Verdict.fail("\(reason)\n" + states.joined(separator: "\n"))
  }
}
