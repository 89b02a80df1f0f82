import Base

/// A piece of what is read from a damaged partition, sent by a process that may die of the damage.
///
///     offset  size  field
///          0     1  kind
///          1     4  byte count of the first part
///          5     4  byte count of the second part
///          9     …  both parts
enum SalvagedPiece: Equatable {
  /// The first piece: the LSN up to which the partition has applied the log, and the sequence of its newest
  /// batch; 0 if they cannot be read.
  case applied(UInt64, sequence: SequenceNumber)
  /// The type, expiry and sequence of a value precede its stored key.
  case entry(
    storedKey: [UInt8], value: [UInt8], type: UInt8, expiry: UInt64, sequence: SequenceNumber)
  /// The first bytes of an owner that a range delete hides. Its type and sequence precede its stored
  /// key.
  case hiddenOwner(storedKey: [UInt8], value: [UInt8], type: UInt8, sequence: SequenceNumber)
  /// A description of something that cannot be read.
  case lost(String)
  /// The number of the bound after the last entry that is sought next.
  case trying(UInt64)
  /// The last piece.
  case end

  private static let headerByteCount = 9

  var encoded: [UInt8] {
    switch self {
    case .applied(let lsn, let sequence):
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(lsn)
      bytes.appendLittleEndian(sequence)
      return Self.encode(1, bytes)
    case .entry(let key, let value, let type, let expiry, let sequence):
      var head = [type]
      head.appendLittleEndian(expiry)
      head.appendLittleEndian(sequence)
      return Self.encode(2, head + key, value)
    case .hiddenOwner(let key, let value, let type, let sequence):
      var head = [type]
      head.appendLittleEndian(sequence)
      return Self.encode(6, head + key, value)
    case .lost(let text): return Self.encode(3, Array(text.utf8))
    case .trying(let place):
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(place)
      return Self.encode(5, bytes)
    case .end: return Self.encode(4, [])
    }
  }

  private static func encode(_ kind: UInt8, _ first: [UInt8], _ second: [UInt8] = []) -> [UInt8] {
    var bytes = [kind]
    bytes.appendLittleEndian(UInt32(first.count))
    bytes.appendLittleEndian(UInt32(second.count))
    return bytes + first + second
  }

  /// The piece at the head of `bytes`, and its length; nil if it is incomplete, or not as `encoded` writes
  /// it.
  static func decode(_ bytes: ArraySlice<UInt8>) -> (piece: SalvagedPiece, byteCount: Int)? {
    guard bytes.count >= headerByteCount else { return nil }
    let header = Array(bytes.prefix(headerByteCount))
    let firstCount = Int(header.load(at: 1, as: UInt32.self))
    let secondCount = Int(header.load(at: 5, as: UInt32.self))
    let byteCount = headerByteCount + firstCount + secondCount
    guard bytes.count >= byteCount else { return nil }
    let start = bytes.startIndex + headerByteCount
    let first = Array(bytes[start..<start + firstCount])
    let second = Array(bytes[start + firstCount..<start + firstCount + secondCount])
    switch header[0] {
    case 1 where firstCount == 16 && secondCount == 0:
      return (
        .applied(
          first.load(at: 0, as: UInt64.self), sequence: first.load(at: 8, as: UInt64.self)),
        byteCount
      )
    case 2 where firstCount >= 18:
      return (
        .entry(
          storedKey: Array(first[17...]), value: second, type: first[0],
          expiry: first.load(at: 1, as: UInt64.self), sequence: first.load(at: 9, as: UInt64.self)),
        byteCount
      )
    case 6 where firstCount >= 10:
      return (
        .hiddenOwner(
          storedKey: Array(first[9...]), value: second, type: first[0],
          sequence: first.load(at: 1, as: UInt64.self)), byteCount
      )
    case 3 where secondCount == 0:
      return String(validating: first, as: UTF8.self).map { (.lost($0), byteCount) }
    case 5 where firstCount == 8 && secondCount == 0:
      return (.trying(first.load(at: 0, as: UInt64.self)), byteCount)
    case 4 where byteCount == headerByteCount: return (.end, byteCount)
    default: return nil
    }
  }
}
