/// When what was written must be synced, with periodic durability: counted from the oldest byte that is not.
///
/// Each instant is one of a clock that nobody sets. Should it go back all the same, what is written is due at
/// once.
struct SyncDeadline {
  /// The oldest bytes that a power cut may take were written no longer ago than this.
  static let lossWindow = Duration.milliseconds(1000)
  /// A sync begins when they are so old: what is left of the window is for the sync itself.
  static let age = Duration.milliseconds(500)

  /// When the oldest byte that is not synced was on its way to the disk; nil where all are synced.
  private var oldest: Duration?

  /// Bytes are about to be written at `now`. True where all before them are synced, so that a thread which
  /// sleeps until there is something to sync has to be told.
  mutating func willWrite(at now: Duration) -> Bool {
    if oldest != nil { return false }
    oldest = now
    return true
  }

  /// Everything written is synced.
  mutating func didSync() { oldest = nil }

  /// How long a sync may wait yet; zero where it is due, nil where there is nothing to sync.
  func left(at now: Duration) -> Duration? {
    guard let age = age(at: now) else { return nil }
    return age < .zero ? .zero : max(.zero, Self.age - age)
  }

  /// Whether the loss window is used up: nothing more may be acknowledged before a sync.
  func isOver(at now: Duration) -> Bool {
    guard let age = age(at: now) else { return false }
    return age < .zero || age >= Self.lossWindow
  }

  private func age(at now: Duration) -> Duration? { oldest.map { now - $0 } }
}
