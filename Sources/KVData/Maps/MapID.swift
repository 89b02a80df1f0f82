import Base
import KVStore

/// Which fields belong to a map, for as long as it lives: a map that is renamed keeps it, and one that is made
/// again under the same name gets another, so that fields of the old one are never taken for its own.
///
///     slot      u16, big-endian   the hash slot of the key that the map was made under
///     sequence  u64, big-endian   of the batch that made it
///     ordinal   u32, big-endian   which of that batch's maps it is
///
/// The slot says in which partition the fields are.
package struct MapID: Hashable, Sendable {
  static let byteCount = 14

  var slot: UInt16
  var sequence: SequenceNumber
  var ordinal: UInt32

  init(slot: UInt16, sequence: SequenceNumber, ordinal: UInt32) {
    self.slot = slot
    self.sequence = sequence
    self.ordinal = ordinal
  }

  /// Of the bytes at `offset`.
  init(_ bytes: RawSpan, at offset: Int) {
    slot = bytes.load(at: offset, as: UInt16.self).byteSwapped
    sequence = bytes.load(at: offset + 2, as: UInt64.self).byteSwapped
    ordinal = bytes.load(at: offset + 10, as: UInt32.self).byteSwapped
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(slot.byteSwapped)
    bytes.appendLittleEndian(sequence.byteSwapped)
    bytes.appendLittleEndian(ordinal.byteSwapped)
  }
}
