/// When an event loop's writes are synced, and by whom.
///
/// A sync costs as much for one write as for a hundred, and to hand it to another thread as much as a
/// command. So while other sockets are ready they are served first, and their writes share the sync; once
/// none is, the loop has nothing better to do and syncs the log itself. A loop that always finds something
/// ready leaves the sync to the log writer after a while, and goes on.
///
/// Times are in nanoseconds of the monotonic clock.
struct SyncTiming {
  enum Step: Equatable {
    /// Serve what is ready first.
    case gather
    /// Sync in this thread.
    case syncInline
    /// Have the log writer do it.
    case delegate
  }

  /// The longest time for which writes gather.
  static let gatherNanoseconds: UInt64 = 1_000_000
  /// A sync in a loop's thread that takes this long, while nobody is served, is a sign to leave syncs to
  /// the log writer for a time.
  static let slowNanoseconds: UInt64 = 5_000_000
  static let delegatingNanoseconds: UInt64 = 500_000_000

  /// Something was written and no sync asked for since.
  private(set) var hasUnsynced = false
  /// When it was first found that writes gather.
  private var gatheringSince: UInt64?
  private var delegatingUntil: UInt64 = 0

  mutating func didWrite() { hasUnsynced = true }

  /// What is to be done about writes that are not synced, by a loop that has just looked for ready sockets.
  mutating func nextStep(isBusy: Bool, now: UInt64) -> Step {
    if isBusy {
      let since = gatheringSince ?? now
      gatheringSince = since
      guard now >= since + Self.gatherNanoseconds else { return .gather }
    }
    hasUnsynced = false
    gatheringSince = nil
    return isBusy || now < delegatingUntil ? .delegate : .syncInline
  }

  /// A sync in this thread has ended.
  mutating func didSync(from begun: UInt64, to ended: UInt64) {
    if ended >= begun + Self.slowNanoseconds {
      delegatingUntil = ended + Self.delegatingNanoseconds
    }
  }
}
