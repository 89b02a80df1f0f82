/// A command-line error: printed on stderr, and the process exits with 64 (EX_USAGE).
struct UsageError: Error {
  let message: String
}

/// The flags after a subcommand, each with a value: `--name value` or `--name=value`.
struct Flags {
  private var values: [String: String] = [:]

  /// - Parameter switches: flags without a value.
  init(
    _ arguments: ArraySlice<String>, known: Set<String>, switches: Set<String> = []
  ) throws(UsageError) {
    var rest = arguments
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        throw UsageError(message: "unexpected argument '\(argument)'")
      }
      let parts = argument.dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.isEmpty ? "" : String(parts[0])
      if switches.contains(name), parts.count == 1 {
        values[name] = "yes"
        continue
      }
      guard known.contains(name) else { throw UsageError(message: "unknown option '--\(name)'") }
      guard values[name] == nil else {
        throw UsageError(message: "option '--\(name)' is given twice")
      }
      if parts.count == 2 {
        values[name] = String(parts[1])
      } else if let value = rest.popFirst() {
        values[name] = value
      } else {
        throw UsageError(message: "option '--\(name)' needs a value")
      }
    }
  }

  /// The value of a flag that takes `yes` or `no`.
  func isSet(_ name: String) throws(UsageError) -> Bool {
    switch values[name] {
    case nil, "no": return false
    case "yes": return true
    case let other?:
      throw UsageError(message: "option '--\(name)' must be yes or no, not '\(other)'")
    }
  }

  func text(_ name: String, default value: String) throws(UsageError) -> String {
    guard let given = values[name] else { return value }
    guard !given.isEmpty else { throw UsageError(message: "option '--\(name)' must not be empty") }
    return given
  }

  func integer(
    _ name: String, default value: Int, in range: ClosedRange<Int>
  ) throws(UsageError) -> Int {
    guard let given = values[name] else { return value }
    guard let number = Int(given), range.contains(number) else {
      throw UsageError(
        message: "option '--\(name)' must be a number from \(range.lowerBound) to "
          + "\(range.upperBound), not '\(given)'")
    }
    return number
  }
}
