/// How long to leave alone what a full disk has refused.
///
/// Whether a disk has room is asked, which costs nothing. An attempt that finds none although it was said to be
/// there (a quota; another program that was quicker) has taken the disk's last free bytes for a moment, which others
/// may have needed: so each attempt that fails doubles the pause before the next.
package struct RetryPause: Sendable {
  /// How often a disk is asked whether it has room again.
  package static let pollMilliseconds = 500
  private static let longest = Duration.milliseconds(8000)

  private var pause = Duration.zero
  private var failedAt = Duration.zero

  package init() {}

  /// An attempt has failed at `now`, an instant of `MonotonicTime`.
  package mutating func failed(at now: Duration) {
    failedAt = now
    pause =
      pause == .zero ? .milliseconds(Self.pollMilliseconds) : min(pause * 2, Self.longest)
  }

  /// An attempt has succeeded.
  package mutating func succeeded() { pause = .zero }

  /// Whether the next attempt may be made. (A clock that went back does not make it wait.)
  package func isOver(at now: Duration) -> Bool {
    now < failedAt || now - failedAt >= pause
  }
}
