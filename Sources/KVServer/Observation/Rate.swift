import Base
import Synchronization

/// How fast some totals grew over the last second and a half, for INFO's `instantaneous_…`.
///
/// Nothing runs while the server is idle: event loops that have work take a sample every tenth of a second,
/// and a reader compares the current totals with the oldest sample that is recent enough.
final class Rate: Sendable {
  private struct Sample {
    let milliseconds: Int64
    let totals: LoopCounters.Totals
  }

  private static let interval: Int64 = 100
  private static let age: Int64 = 1_600
  private let samples = Lock<[Sample]>([])
  private let newest = Atomic<Int64>(.min)

  /// Whether the next sample is due.
  func isDue(_ now: Int64) -> Bool {
    newest.load(ordering: .relaxed) < now - Self.interval
  }

  func sample(_ totals: LoopCounters.Totals, now: Int64) {
    newest.store(now, ordering: .relaxed)
    samples.withLock { samples in
      samples.append(Sample(milliseconds: now, totals: totals))
      // The newest sample that is too old is kept: after an idle period it marks when that began.
      while samples.count > 2, samples[1].milliseconds < now - Self.age { samples.removeFirst() }
    }
  }

  struct PerSecond {
    var commands: UInt64 = 0
    var received = 0.0
    var sent = 0.0
  }

  func perSecond(_ totals: LoopCounters.Totals, now: Int64) -> PerSecond {
    let oldest = samples.withLock { samples in
      samples.first { $0.milliseconds >= now - Self.age } ?? samples.last
    }
    guard let oldest else { return PerSecond() }
    let seconds = max(0.1, Double(now - oldest.milliseconds) / 1000)
    func rate(_ path: KeyPath<LoopCounters.Totals, UInt64>) -> Double {
      Double(totals[keyPath: path] &- oldest.totals[keyPath: path]) / seconds
    }
    return PerSecond(
      commands: UInt64(rate(\.commands).rounded()), received: rate(\.received), sent: rate(\.sent))
  }
}
