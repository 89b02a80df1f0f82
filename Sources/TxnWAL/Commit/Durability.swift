/// When a write is acknowledged.
public enum Durability: String, Sendable, CaseIterable {
  /// After its bytes survived `fdatasync`. The default.
  case sync
  /// After its bytes were handed to the operating system, which is told to sync them once a second. A killed
  /// process loses nothing; a power cut loses at most the last second of acknowledged batches, each of them whole.
  case periodic
}
