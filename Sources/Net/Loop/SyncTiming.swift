/// When an event loop's writes are synced, and by which thread.
///
/// One sync costs the same for one write as for a hundred, and handing it to another thread costs as much
/// as a small request. So while other sockets are ready they are served first, and their writes share the sync.
/// When none is ready, the loop would only wait, and syncs the log itself. A loop that always finds ready
/// sockets hands the sync to the log writer after `gatherNanoseconds`.
///
/// Times are in nanoseconds of the monotonic clock.
public struct SyncTiming {
  public enum Step: Equatable {
    /// Serve ready sockets first.
    case gather
    /// Sync in this thread.
    case syncInline
    /// Hand the sync to the log writer.
    case delegate
  }

  /// The longest time that writes are gathered.
  public static let gatherNanoseconds: UInt64 = 1_000_000
  /// A sync in the loop's thread blocks its connections. One that takes this long makes the loop hand syncs
  /// to the log writer for `delegatingNanoseconds`.
  public static let slowNanoseconds: UInt64 = 5_000_000
  public static let delegatingNanoseconds: UInt64 = 500_000_000

  /// Something was written and no sync was requested since.
  public private(set) var hasUnsynced = false
  /// When gathering began.
  private var gatheringSince: UInt64?
  private var delegatingUntil: UInt64 = 0

  public init() {}

  public mutating func didWrite() { hasUnsynced = true }

  /// What to do about unsynced writes, for a loop that has just polled its sockets.
  public mutating func nextStep(isBusy: Bool, now: UInt64) -> Step {
    if isBusy {
      let since = gatheringSince ?? now
      gatheringSince = since
      guard now >= since + Self.gatherNanoseconds else { return .gather }
    }
    hasUnsynced = false
    gatheringSince = nil
    return isBusy || now < delegatingUntil ? .delegate : .syncInline
  }

  /// A sync in this thread has finished.
  public mutating func didSync(from begun: UInt64, to ended: UInt64) {
    if ended >= begun + Self.slowNanoseconds {
      delegatingUntil = ended + Self.delegatingNanoseconds
    }
  }
}
