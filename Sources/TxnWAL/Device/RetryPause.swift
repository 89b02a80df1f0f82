/// How long to wait before retrying an operation that failed on a full disk.
///
/// Asking for the free space costs nothing. But an attempt that fails although there seemed to be enough (because
/// of a quota, or another program that was faster) briefly takes the disk's last free bytes, which others may need.
/// So each failed attempt doubles the pause before the next.
package struct RetryPause: Sendable {
  /// How often a full disk is checked for free space.
  package static let pollMilliseconds = 500
  private static let longest = Duration.milliseconds(8000)

  private var pause = Duration.zero
  private var failedAt = Duration.zero

  package init() {}

  /// Records an attempt that failed at `now`, a reading of `MonotonicTime`.
  package mutating func failed(at now: Duration) {
    failedAt = now
    pause =
      pause == .zero ? .milliseconds(Self.pollMilliseconds) : min(pause * 2, Self.longest)
  }

  /// Records a successful attempt.
  package mutating func succeeded() { pause = .zero }

  /// Whether the next attempt may be made. (A clock that went back does not delay it.)
  package func isOver(at now: Duration) -> Bool {
    now < failedAt || now - failedAt >= pause
  }
}
