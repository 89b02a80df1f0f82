import Base

/// Keys that no user sees. The store and the commands built on it reserve them for their own entries.
///
/// They begin with 0x00 and a byte from 0x01 to 0x0F, which is their kind. The public API refuses to write
/// them (`.reservedKey`), finds nothing at them, and leaves them out of ranges; layers of this package access
/// them through functions with `stored` in their names. A layer whose users may choose any key puts one more
/// 0x00 before each key that begins with 0x00, so that no user's key looks like an internal one.
///
///     kind
///     1  field of a map      00 01 | slot u16 | map's id, 12 bytes | field
///     2  index of expiries   00 02 | milliseconds since 1970 u48 | key of the entry that expires
///     3  the store's clock   00 03 | slot u16
///     4  orphan              00 04 | slot u16 | first 14 bytes of the owner's value (`Orphan`)
///
/// All numbers are big-endian, so that keys sort by them. A field is in the partition of the slot in its key,
/// an index entry in the partition of the key that it contains. A key that begins like an internal one but
/// does not have its form is placed like a user's key.
public enum InternalKey {
  enum Kind: UInt8 {
    case mapField = 1
    case expiryIndex = 2
    case clock = 3
    case orphan = 4
  }

  /// The range of all internal keys.
  public static let range = KeyRange(from: [0, 1], to: [0, 16])

  /// The range of the fields of all maps.
  public static let mapFields = KeyRange(from: [0, Kind.mapField.rawValue], to: [0, 2])

  /// The range of all orphan notes.
  static let orphans = KeyRange(from: [0, Kind.orphan.rawValue], to: [0, 5])

  /// The bytes of a field's key that precede the field.
  public static let mapPrefixByteCount = 16
  /// The bytes of a map's id.
  public static let mapIDByteCount = 12
  /// The most bytes that a field may have.
  public static let fieldByteCount = 490

  /// Whether `key` is internal.
  @inline(__always)
  public static func contains(_ key: RawSpan) -> Bool {
    key.beginsWithZero && isInternal(key)
  }

  private static func isInternal(_ key: RawSpan) -> Bool {
    key.byteCount > 1 && (1...15).contains(key.load(at: 1, as: UInt8.self))
  }

  /// The prefix of the keys of a map's fields. `slot` is in 0..<16384, `id` has `mapIDByteCount` bytes.
  public static func mapPrefix(slot: Int, id: [UInt8]) -> [UInt8] {
    precondition(id.count == mapIDByteCount)
    return [0, Kind.mapField.rawValue, UInt8(slot >> 8), UInt8(slot & 0xFF)] + id
  }

  /// The slot that determines the partition of `key`, internal or not.
  public static func slot(of key: RawSpan) -> Int {
    Routing.slot(of: key)
  }

  /// The slot of an internal key; nil for a user's. `key` must begin with 0x00.
  static func internalSlot(of key: RawSpan) -> Int? {
    guard key.byteCount >= 4 else { return nil }
    switch Kind(rawValue: key.load(at: 1, as: UInt8.self)) {
    case .mapField where key.byteCount >= mapPrefixByteCount: return slotField(of: key)
    case .expiryIndex where key.byteCount >= ExpiryIndex.prefixByteCount:
      return Routing.slot(of: key.extracting(droppingFirst: ExpiryIndex.prefixByteCount))
    case .clock where key.byteCount == 4: return slotField(of: key)
    case .orphan where key.byteCount == Orphan.keyByteCount: return slotField(of: key)
    default: return nil
    }
  }

  private static func slotField(of key: RawSpan) -> Int? {
    let slot = Int(key.load(at: 2, as: UInt16.self).byteSwapped)
    return slot < SlotHash.slotCount ? slot : nil
  }

  /// Whether `key`, which must be internal, is an orphan note.
  static func isOrphan(_ key: RawSpan) -> Bool {
    key.load(at: 1, as: UInt8.self) == Kind.orphan.rawValue
  }

  /// Whether `key`, which must begin with 0x00, is a map's field.
  static func isMapField(_ key: RawSpan) -> Bool {
    key.byteCount > 1 && key.load(at: 1, as: UInt8.self) == Kind.mapField.rawValue
  }
}

extension RawSpan {
  /// Whether a key with these bytes may be internal. This is all that is checked for most keys.
  @inline(__always)
  var beginsWithZero: Bool { byteCount > 0 && load(at: 0, as: UInt8.self) == 0 }
}

extension KeyRange {
  /// Whether the range can contain only internal keys.
  var isInternal: Bool {
    guard let upper, let end = InternalKey.range.upper else { return false }
    return !lower.lexicographicallyPrecedes(InternalKey.range.lower)
      && !end.lexicographicallyPrecedes(upper)
  }

  /// The range itself if it lies among internal keys; otherwise its parts without them.
  var storedParts: [KeyRange] { isInternal ? [self] : userParts }

  /// The ranges for which deleting this range makes tombstones, in each partition.
  var deletedParts: [KeyRange] { self == .everything ? [self] : userParts }

  /// The parts of the range without internal keys; none if it lies among them.
  var userParts: [KeyRange] {
    let hidden = InternalKey.range
    guard let hiddenEnd = hidden.upper else { return [self] }
    // Nearly every range begins after them.
    if !lower.lexicographicallyPrecedes(hiddenEnd) { return [self] }
    var before = self
    var behind = self
    if upper.map({ hidden.lower.lexicographicallyPrecedes($0) }) ?? true {
      before.upper = hidden.lower
    }
    behind.lower = hiddenEnd
    return [before, behind].filter { !$0.isEmpty }
  }
}
