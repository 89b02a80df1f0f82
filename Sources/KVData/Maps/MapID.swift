import Base
import KVStore

/// Identifies the fields that belong to a map throughout its life. A renamed map keeps its id. A map recreated
/// under the same name gets a new one, so fields of the old map are never taken for its own.
///
///     slot      u16, big-endian   hash slot of the key under which the map was created
///     sequence  u64, big-endian   sequence of the batch that created it
///     ordinal   u32, big-endian   number of the map within that batch
///
/// The slot determines the partition that holds the fields.
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

  /// Reads the id at `offset`.
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
