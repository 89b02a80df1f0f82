/// Whether an entry sets its key or deletes it.
enum EntryKind: UInt8, Sendable {
  case delete = 0
  case put = 1
}

/// The metadata of every value, in memory and on disk: the batch that wrote it, its kind, its type and its
/// expiry.
struct EntryHeader: Sendable, Equatable {
  /// The sequence of the batch that wrote it; below 2^56.
  var sequence: SequenceNumber
  var kind: EntryKind
  /// The type of the value: 0 for bytes; below 128.
  var type: UInt8
  /// When the entry expires, in milliseconds since 1970; 0 means never.
  var expiry: UInt64

  init(sequence: SequenceNumber, kind: EntryKind, type: UInt8 = 0, expiry: UInt64 = 0) {
    self.sequence = sequence
    self.kind = kind
    self.type = type
    self.expiry = expiry
  }
}

extension EntryHeader {
  /// The greatest type. In memory a type shares its byte with the kind, which takes one bit.
  static let typeLimit: UInt8 = 127

  /// The header of an entry stored in LMDB.
  @inline(__always)
  init(_ stored: StoredValue.Header) {
    self.init(
      sequence: stored.sequence, kind: .put, type: stored.type, expiry: stored.expiryMilliseconds)
  }
}
