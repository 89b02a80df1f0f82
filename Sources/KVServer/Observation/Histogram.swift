/// A histogram of durations in nanoseconds, up to one second, with a resolution of one eighth.
///
///     slot               value
///     0 … 15             that many nanoseconds
///     8·(e-2) + m        from (8 + m)·2^(e-3), for 2^e ≤ value < 2^(e+1); m is the three bits below the first
struct Histogram: Sendable {
  private var counts = [UInt32](repeating: 0, count: slotCount)
  private(set) var total: UInt64 = 0

  static let largest: UInt64 = 1_000_000_000
  static let slotCount = 223

  @inline(__always)
  static func slot(of value: UInt64) -> Int {
    let value = min(value, largest)
    guard value >= 16 else { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return (exponent - 2) * 8 + Int((value >> UInt64(exponent - 3)) & 7)
  }

  /// The largest value in a slot.
  static func bound(of slot: Int) -> UInt64 {
    guard slot >= 16 else { return UInt64(slot) }
    let exponent = slot / 8 + 2
    return (UInt64(8 + slot % 8 + 1) << UInt64(exponent - 3)) - 1
  }

  mutating func add(_ value: UInt64) {
    counts[Self.slot(of: value)] &+= 1
    total += 1
  }

  mutating func add(_ count: UInt32, in slot: Int) {
    counts[slot] &+= count
    total += UInt64(count)
  }

  /// Subtracts an earlier state of the same histogram.
  mutating func subtract(_ earlier: Histogram) {
    for slot in counts.indices { counts[slot] &-= earlier.counts[slot] }
    total -= earlier.total
  }

  /// The value that `percent` percent of all values do not exceed.
  func percentile(_ percent: Double) -> UInt64 {
    let wanted = max(1, UInt64((percent / 100 * Double(total)).rounded(.up)))
    var seen: UInt64 = 0
    for (slot, count) in counts.enumerated() {
      seen += UInt64(count)
      if seen >= wanted { return Self.bound(of: slot) }
    }
    return 0
  }

  /// Cumulative counts for LATENCY HISTOGRAM: for each power of two at which the count has grown, the bound
  /// in microseconds and the number of values up to it.
  var steps: [(microseconds: UInt64, count: UInt64)] {
    var steps: [(microseconds: UInt64, count: UInt64)] = []
    var exponent: UInt64 = 10
    var seen: UInt64 = 0
    var slot = 0
    while seen < total, exponent < 40 {
      while slot < counts.count, Self.bound(of: slot) < 1 << exponent {
        seen += UInt64(counts[slot])
        slot += 1
      }
      if seen > steps.last?.count ?? 0 {
        let bound = (UInt64(1) << exponent) + (UInt64(1) << (exponent - 7)) - 1
        steps.append((bound / 1000, seen))
      }
      exponent += 1
    }
    return steps
  }
}
