/// What an entry says about its key.
enum EntryKind: UInt8, Sendable {
  case delete = 0
  case put = 1
}

/// What goes with every value, in memory and on disk: which batch wrote it, what it means, how long it
/// lives.
struct EntryHeader: Sendable, Equatable {
  /// The batch that wrote it; below 2^56.
  var sequence: SequenceNumber
  var kind: EntryKind
  /// When the entry ceases to exist, in milliseconds since 1970; 0 means never.
  var expiry: UInt64

  init(sequence: SequenceNumber, kind: EntryKind, expiry: UInt64 = 0) {
    self.sequence = sequence
    self.kind = kind
    self.expiry = expiry
  }
}
