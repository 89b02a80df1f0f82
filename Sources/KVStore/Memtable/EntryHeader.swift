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
  /// What the value is: 0 bytes; below 128.
  var type: UInt8
  /// When the entry ceases to exist, in milliseconds since 1970; 0 means never.
  var expiry: UInt64

  init(sequence: SequenceNumber, kind: EntryKind, type: UInt8 = 0, expiry: UInt64 = 0) {
    self.sequence = sequence
    self.kind = kind
    self.type = type
    self.expiry = expiry
  }
}

extension EntryHeader {
  /// The greatest type: one bit of its byte tells puts from deletes in memory.
  static let typeLimit: UInt8 = 127

  /// The header of an entry that is stored in LMDB.
  @inline(__always)
  init(_ stored: StoredValue.Header) {
    self.init(
      sequence: stored.sequence, kind: .put, type: stored.type, expiry: stored.expiryMilliseconds)
  }
}
