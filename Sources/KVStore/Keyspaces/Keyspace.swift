/// A kind of entries, and the first part of an entry's address: entries of different keyspaces never meet,
/// whatever bytes their keys have. A scan, a count and a range delete each address one keyspace.
///
/// Wherever an entry is stored, its keyspace is one byte in front of its key. The upper two bits are the
/// routing, so that any build can place every entry, also those of layers that it does not have:
///
///     bits 7–6  routing
///     bits 5–0  number: 0–15 for the store itself, 16–63 for the layers above it
///
/// A layer registers a keyspace by declaring a constant. The store counts the entries of `keys`, which are
/// its users'; a layer that needs to know how many entries another keyspace has counts them itself.
package struct Keyspace: Hashable, Sendable, BitwiseCopyable {
  /// How an entry's key determines the slot, and thereby the partition, that holds it.
  package enum Routing: UInt8, Sendable {
    /// The hash slot of the whole key.
    case key = 0
    /// The key begins with its slot, u16 big-endian, below 16,384.
    case leadingSlot = 1
    /// The hash slot of the key without its first eight bytes.
    case keyBehindWord = 2
  }

  /// The byte in front of the key. It is part of the format.
  package let rawValue: UInt8

  /// The keyspace of a layer above: `number`, in 16..<64, among those with this routing.
  package init(_ routing: Routing, number: UInt8) {
    precondition((16..<64).contains(number))
    rawValue = routing.rawValue << 6 | number
  }

  /// Nil if no keyspace of this format is stored with this byte.
  @inline(__always)
  init?(rawValue: UInt8) {
    guard rawValue <= Self.greatestRawValue else { return nil }
    self.rawValue = rawValue
  }

  /// Takes any byte, also one of no keyspace: for bytes of a file that may be damaged.
  @inlinable @inline(__always)
  package init(unchecked rawValue: UInt8) { self.rawValue = rawValue }

  private static let greatestRawValue: UInt8 = 0xBF

  @inline(__always)
  var routing: Routing { Routing(rawValue: rawValue >> 6) ?? .key }

  // MARK: The store's own

  /// What users put, under any key of at most `Limits.keyByteCount` bytes.
  @inlinable
  package static var keys: Keyspace { Keyspace(unchecked: 0x00) }

  /// What belongs to an entry of `keys` with a type: each key begins with the first 14 bytes of its owner's
  /// value, of which the first two are the slot. See `Orphan`.
  @inlinable
  package static var owned: Keyspace { Keyspace(unchecked: 0x40) }

  /// Notes that owners are gone: see `Orphan`.
  static var orphans: Keyspace { Keyspace(unchecked: 0x41) }

  /// The store's clock: see `ClockRecord`.
  static var clock: Keyspace { Keyspace(unchecked: 0x42) }

  /// The index of expiries: see `ExpiryIndex`.
  @inlinable
  package static var expiries: Keyspace { Keyspace(unchecked: 0x80) }

  /// What a delete of everything that users have put removes: all but the clock. While `keys` is carried out, that
  /// of `owned` says that owners leave nothing, so it comes after it.
  static let userData = [keys, owned, orphans, expiries]
}

extension Keyspace {
  /// Where an entry is, after its key in a message: nothing for users' keys.
  var placeText: String {
    self == .keys ? "" : " of keyspace 0x" + String(rawValue, radix: 16)
  }
}
