/// The metadata of an entry.
public struct EntryInfo: Sendable, Equatable {
  /// The sequence of the batch that wrote the entry.
  public var sequence: SequenceNumber
  /// The type of the value: 0 for bytes. Other types are defined by the layer that writes them.
  public var type: UInt8
  /// When the entry expires, in milliseconds since 1970; 0 means never.
  public var expiry: UInt64

  /// Creates the metadata of an entry.
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
