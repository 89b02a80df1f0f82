/// When written bytes must be synced under periodic durability, counted from the oldest unsynced byte.
///
/// Times are readings of a clock that cannot be set. If it goes back nevertheless, a sync is due at once.
struct SyncDeadline {
  /// No byte that a power cut may take was written longer ago than this.
  static let lossWindow = Duration.milliseconds(1000)
  /// A sync begins when the oldest unsynced byte is this old. The rest of the window is for the sync itself.
  static let age = Duration.milliseconds(500)

  /// When the write of the oldest unsynced byte began; nil if all bytes are synced.
  private var oldest: Duration?

  /// Bytes are about to be written at `now`. Returns true if all earlier bytes are synced: then a thread sleeping
  /// until there is something to sync must be woken.
  mutating func willWrite(at now: Duration) -> Bool {
    if oldest != nil { return false }
    oldest = now
    return true
  }

  /// Everything written is synced.
  mutating func didSync() { oldest = nil }

  /// The time until a sync is due: zero if it is due, nil if there is nothing to sync.
  func left(at now: Duration) -> Duration? {
    guard let age = age(at: now) else { return nil }
    return age < .zero ? .zero : max(.zero, Self.age - age)
  }

  /// Whether the loss window is used up: then nothing more may be acknowledged before a sync.
  func isOver(at now: Duration) -> Bool {
    guard let age = age(at: now) else { return false }
    return age < .zero || age >= Self.lossWindow
  }

  private func age(at now: Duration) -> Duration? { oldest.map { now - $0 } }
}
