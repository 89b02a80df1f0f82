/// Durations in buckets a sixteenth of a power of two wide, so that a figure read back is at most 6 %
/// above the true one.
struct Histogram: Sendable {
  private var buckets = [Int](repeating: 0, count: 64 * 16)
  private(set) var count = 0
  private(set) var most: UInt64 = 0

  @inline(__always)
  mutating func add(nanoseconds: UInt64) {
    buckets[Self.bucket(of: nanoseconds)] += 1
    count += 1
    most = max(most, nanoseconds)
  }

  mutating func add(_ other: Histogram) {
    for index in buckets.indices { buckets[index] += other.buckets[index] }
    count += other.count
    most = max(most, other.most)
  }

  /// The duration in milliseconds that `share` of all stay within; 0 where there are none.
  func milliseconds(within share: Double) -> Double {
    var left = Int((Double(count) * share).rounded(.up))
    for (index, number) in buckets.enumerated() {
      left -= number
      if left <= 0, count > 0 { return Double(min(Self.end(of: index), most)) / 1e6 }
    }
    return 0
  }

  /// p50, p99 and the most, under names that begin with `prefix`.
  func figures(_ prefix: String = "") -> [String: Any] {
    [
      prefix + "p50_milliseconds": milliseconds(within: 0.5),
      prefix + "p99_milliseconds": milliseconds(within: 0.99),
      prefix + "most_milliseconds": Double(most) / 1e6,
    ]
  }

  @inline(__always)
  private static func bucket(of value: UInt64) -> Int {
    guard value >= 16 else { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return (exponent - 3) << 4 | Int(value >> UInt64(exponent - 4) & 15)
  }

  private static func end(of bucket: Int) -> UInt64 {
    guard bucket >= 16 else { return UInt64(bucket) }
    let exponent = bucket >> 4 + 3
    return (UInt64(16 + bucket & 15) + 1) << UInt64(exponent - 4) - 1
  }
}
