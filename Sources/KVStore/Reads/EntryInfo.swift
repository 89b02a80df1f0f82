/// What an entry says beside its value.
public struct EntryInfo: Sendable, Equatable {
  /// The sequence of the batch that wrote it.
  public var sequence: SequenceNumber
  /// What the value is: 0 bytes, anything else as whoever wrote it means it.
  public var type: UInt8
  /// When it ceases to exist, in milliseconds since 1970; 0 for never.
  public var expiry: UInt64

  /// An entry's.
  public init(sequence: SequenceNumber, type: UInt8 = 0, expiry: UInt64 = 0) {
    self.sequence = sequence
    self.type = type
    self.expiry = expiry
  }

  @inline(__always)
  init(_ header: EntryHeader) {
    self.init(sequence: header.sequence, type: header.type, expiry: header.expiry)
  }
}
