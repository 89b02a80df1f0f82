import Base

/// Sixteen random bytes that tell one store's files from another's.
public struct StoreID: Sendable, Hashable, CustomStringConvertible {
  /// The length of an id.
  public static let byteCount = 16

  private let low: UInt64
  private let high: UInt64

  /// A new random id.
  public static func random() -> StoreID {
    var generator = SystemRandomNumberGenerator()
    return StoreID(low: generator.next(), high: generator.next())
  }

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// Reads the id from the first 16 bytes of `bytes`, which must be present.
  package init(_ bytes: RawSpan) {
    low = bytes.load(at: 0, as: UInt64.self)
    high = bytes.load(at: 8, as: UInt64.self)
  }

  /// The 16 bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(low)
    bytes.appendLittleEndian(high)
    return bytes
  }

  /// The seed of this store's checksums. With it, bytes of another store fail the checksum in this one.
  package var checksumSeed: UInt32 { CRC32C.checksum(bytes.rawSpan) }

  /// 32 hexadecimal digits, in the order of the bytes on disk.
  public var description: String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
