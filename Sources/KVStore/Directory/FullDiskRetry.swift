import TxnWAL

/// When to try again what one partition's file had no room for.
///
/// An attempt takes what is free on the disk before it fails, so it is made again only when there is clearly more
/// room than there was, or after a pause that grows: the file may have free pages of its own by then.
struct FullDiskRetry {
  /// How much more room there must be for an attempt at once: as much as a large transaction writes.
  private static let room: UInt64 = 1 << 20

  private var pause = RetryPause()
  private var availableAtFailure: UInt64 = 0

  /// An attempt has failed, and left `available` bytes on the disk.
  mutating func failed(at now: Duration, available: UInt64) {
    pause.failed(at: now)
    availableAtFailure = available
  }

  func mayTry(at now: Duration, available: UInt64) -> Bool {
    if pause.isOver(at: now) { return true }
    return available > availableAtFailure && available - availableAtFailure >= Self.room
  }
}
