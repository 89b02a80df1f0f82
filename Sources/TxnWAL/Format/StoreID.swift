/// The random name of a store: 16 bytes in every file of it, so that files of two stores are never
/// mistaken for each other.
public struct StoreID: Equatable, Hashable, Sendable {
  /// The 16 bytes.
  public let bytes: [UInt8]

  /// A new random name.
  public static func random() -> StoreID {
    StoreID(bytes: (0..<16).map { _ in UInt8.random(in: .min ... .max) })
  }

  /// The name with these 16 bytes.
  public init(bytes: [UInt8]) {
    precondition(bytes.count == 16, "a store id has 16 bytes")
    self.bytes = bytes
  }

  /// The seed of this store's record checksums.
  package var checksumSeed: UInt32 { CRC32C.checksum(bytes.rawSpan) }
}

extension StoreID: CustomStringConvertible {
  /// The bytes in hexadecimal.
  public var description: String {
    bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
