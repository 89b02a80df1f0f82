/// What one run of a script may write to the log with `redis.log`: all writers wait while it does, and the log has room for
/// others. A line is cut to 1,024 bytes.
struct ScriptLog {
  static let lineLimit = 100

  private var lineCount = 0

  /// Counts a line; whether it is written.
  mutating func admits() -> Bool {
    lineCount += 1
    return lineCount <= Self.lineLimit
  }

  /// What is said of the lines that were not written, at the end.
  var rest: String? {
    guard lineCount > Self.lineLimit else { return nil }
    return
      "script: \(lineCount - Self.lineLimit) more lines are left out: one run of a script may write \(Self.lineLimit)"
  }
}
