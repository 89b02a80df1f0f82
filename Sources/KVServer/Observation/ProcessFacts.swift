/// What the system reports about the memory of this process and of the machine.
struct ProcessFacts {
  /// Anonymous memory, without mapped files.
  private(set) var usedByteCount = 0
  private(set) var residentByteCount = 0
  /// The peak of resident memory.
  private(set) var peakByteCount = 0
  private(set) var systemByteCount = 0

  init() {
    for line in System.kernelText("/proc/self/status").split(separator: "\n") {
      switch line.split(separator: ":").first {
      case "RssAnon": usedByteCount = Self.byteCount(line)
      case "VmRSS": residentByteCount = Self.byteCount(line)
      case "VmHWM": peakByteCount = Self.byteCount(line)
      default: break
      }
    }
    let memory = System.kernelText("/proc/meminfo")
    if let line = memory.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }) {
      systemByteCount = Self.byteCount(line)
    }
    peakByteCount = max(peakByteCount, usedByteCount)
  }

  /// Parses `VmRSS:     1234 kB`.
  private static func byteCount(_ line: Substring) -> Int {
    (Int(line.filter { $0.isASCII && $0.isNumber }) ?? 0) << 10
  }

  /// As Redis abbreviates sizes: `1.50M`.
  static func short(_ byteCount: Int) -> String {
    var value = Double(byteCount)
    guard value >= 1024 else { return "\(byteCount)B" }
    for unit in ["K", "M", "G", "T"] {
      value /= 1024
      if value < 1024 || unit == "T" { return fixed(value, 2) + unit }
    }
    return "\(byteCount)B"
  }

  /// `value` with this many digits after the decimal point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    guard value.isFinite, abs(value) < 1e15 else { return "0" }
    let scaled = Int64((abs(value) * factor).rounded())
    let whole = scaled / Int64(factor)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    let fraction = String(scaled % Int64(factor) + Int64(factor)).dropFirst()
    return "\(sign)\(whole).\(fraction)"
  }
}
