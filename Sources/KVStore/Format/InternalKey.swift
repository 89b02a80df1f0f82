import Base

/// Keys that no user sees: what the store and the commands built on it keep for themselves.
///
/// They begin with 0x00 and a byte from 0x01 to 0x0F, which tells their kind. The public API refuses to write
/// them (`.reservedKey`), finds nothing at them, and leaves them out of ranges; layers of this package reach them
/// through what has a `stored` in its name. A layer that lets its users choose any key puts one more 0x00 before
/// a key that begins with 0x00, so that none of theirs looks like this.
///
///     kind
///     1  field of a map      00 01 | slot u16 | map's id, 12 bytes | field
///     2  index of expiries   00 02 | milliseconds since 1970 u48 | key of the entry that expires
///     3  the store's clock   00 03 | slot u16
///     4  orphan              00 04 | slot u16 | first 14 bytes of the entry that owned others (`Orphan`)
///
/// All numbers are big-endian, so that keys lie in their order. A field lies in the partition of the slot
/// that stands in its key, an entry of the index where the key in it lies. A key that begins like an
/// internal one and does not have its form is placed as a user's.
public enum InternalKey {
  enum Kind: UInt8 {
    case mapField = 1
    case expiryIndex = 2
    case clock = 3
    case orphan = 4
  }

  /// Where all of them lie.
  public static let range = KeyRange(from: [0, 1], to: [0, 16])

  /// Where the fields of all maps lie.
  public static let mapFields = KeyRange(from: [0, Kind.mapField.rawValue], to: [0, 2])

  /// Where the notes of orphans lie.
  static let orphans = KeyRange(from: [0, Kind.orphan.rawValue], to: [0, 5])

  /// The bytes of a field's key before the field.
  public static let mapPrefixByteCount = 16
  /// The bytes of a map's id.
  public static let mapIDByteCount = 12
  /// The most bytes of a field.
  public static let fieldByteCount = 490

  /// Whether `key` is one of them.
  @inline(__always)
  public static func contains(_ key: RawSpan) -> Bool {
    key.beginsWithZero && isInternal(key)
  }

  private static func isInternal(_ key: RawSpan) -> Bool {
    key.byteCount > 1 && (1...15).contains(key.load(at: 1, as: UInt8.self))
  }

  /// What the keys of a map's fields begin with. `slot` is in 0..<16384, `id` has `mapIDByteCount` bytes.
  public static func mapPrefix(slot: Int, id: [UInt8]) -> [UInt8] {
    precondition(id.count == mapIDByteCount)
    return [0, Kind.mapField.rawValue, UInt8(slot >> 8), UInt8(slot & 0xFF)] + id
  }

  /// The slot that decides to which partition `key` belongs, internal or not.
  public static func slot(of key: RawSpan) -> Int {
    Routing.slot(of: key)
  }

  /// The slot of a key that begins with 0x00; nil where it is a user's.
  static func writtenSlot(of key: RawSpan) -> Int? {
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

  /// Whether `key`, which is internal, is the note of an orphan.
  static func isOrphan(_ key: RawSpan) -> Bool {
    key.load(at: 1, as: UInt8.self) == Kind.orphan.rawValue
  }

  /// Whether `key`, which begins with 0x00, is a map's field.
  static func isMapField(_ key: RawSpan) -> Bool {
    key.byteCount > 1 && key.load(at: 1, as: UInt8.self) == Kind.mapField.rawValue
  }
}

extension RawSpan {
  /// Whether a key with these bytes may be other than a plain one: all that most keys are asked.
  @inline(__always)
  var beginsWithZero: Bool { byteCount > 0 && load(at: 0, as: UInt8.self) == 0 }
}

extension KeyRange {
  /// Whether only internal keys can be in it.
  var isInternal: Bool {
    guard let upper, let end = InternalKey.range.upper else { return false }
    return !lower.lexicographicallyPrecedes(InternalKey.range.lower)
      && !end.lexicographicallyPrecedes(upper)
  }

  /// The range itself where it lies among internal keys, and its parts without them where it does not.
  var storedParts: [KeyRange] { isInternal ? [self] : userParts }

  /// What deleting the range takes range tombstones for, in each partition.
  var deletedParts: [KeyRange] { self == .everything ? [self] : userParts }

  /// The parts of the range without internal keys: none where it lies among them.
  var userParts: [KeyRange] {
    let hidden = InternalKey.range
    guard let hiddenEnd = hidden.upper else { return [self] }
    // As nearly all do, it begins behind them.
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
