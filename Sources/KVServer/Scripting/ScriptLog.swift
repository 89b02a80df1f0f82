/// Limits what one run of a script may write to the log with `redis.log`: all writers wait meanwhile, and the
/// log is needed for other messages too. A line is cut to 1,024 bytes.
struct ScriptLog {
  static let lineLimit = 100

  private var lineCount = 0

  /// Counts a line. Returns whether it may be written.
  mutating func admits() -> Bool {
    lineCount += 1
    return lineCount <= Self.lineLimit
  }

  /// The message about the lines that were left out, at the end; nil if there were none.
  var rest: String? {
    guard lineCount > Self.lineLimit else { return nil }
    return
      "script: \(lineCount - Self.lineLimit) more lines suppressed (limit: \(Self.lineLimit) lines per script run)"
  }
}
