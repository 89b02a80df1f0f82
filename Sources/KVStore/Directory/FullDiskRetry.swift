import TxnWAL

/// Decides when to retry a write for which a partition's file found no space.
///
/// An attempt uses up the disk's free space before it fails. So it is repeated only when there is clearly
/// more space than before, or after a growing pause, because by then the file may have free pages of its own.
struct FullDiskRetry {
  /// The additional space that allows an immediate attempt: as much as a large transaction writes.
  private static let room: UInt64 = 1 << 20

  private var pause = RetryPause()
  private var availableAtFailure: UInt64 = 0

  /// Records that an attempt failed and left `available` bytes free on the disk.
  mutating func failed(at now: Duration, available: UInt64) {
    pause.failed(at: now)
    availableAtFailure = available
  }

  func mayTry(at now: Duration, available: UInt64) -> Bool {
    if pause.isOver(at: now) { return true }
    return available > availableAtFailure && available - availableAtFailure >= Self.room
  }
}
