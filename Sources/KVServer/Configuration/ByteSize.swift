/// Sizes as people write them: `1048576`, `256mb`, `1GiB`. As in redis.conf, `k`, `m` and `g` are powers of
/// 1000, and powers of 1024 when followed by `b` or `ib`; case is ignored.
package enum ByteSize {
  /// The number of bytes that `text` spells, or nil.
  package static func parse(_ text: String) -> Int? {
    let lowered = text.lowercased()
    let digits = lowered.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let factor: Int
    switch lowered.dropFirst(digits.count) {
    case "", "b": factor = 1
    case "k": factor = 1000
    case "m": factor = 1_000_000
    case "g": factor = 1_000_000_000
    case "kb", "kib": factor = 1 << 10
    case "mb", "mib": factor = 1 << 20
    case "gb", "gib": factor = 1 << 30
    default: return nil
    }
    let (product, overflowed) = number.multipliedReportingOverflow(by: factor)
    return overflowed ? nil : product
  }

  /// `byteCount` in the largest unit that leaves a whole number.
  static func short(_ byteCount: Int) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")]
    where byteCount > 0 && byteCount % (1 << shift) == 0 {
      return "\(byteCount >> shift)\(unit)"
    }
    return "\(byteCount)"
  }
}
