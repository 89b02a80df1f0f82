import Base

/// The note that an entry which owned others was removed by a range delete, which saw neither it nor them.
///
/// An entry with a type owns the entries whose keys begin 00 01 and then with its own first 14 bytes, as a map's
/// record owns the map's fields. A command that removes an owner removes what it owns in the same batch. A range
/// delete hides an owner without reading it; it is found only when it goes, while its memtable is applied or by
/// the purge worker. The same LMDB transaction then writes this internal entry, in the partition of the owner:
///
///     key    00 04 | slot of the owner's key u16 | its first 14 bytes
///     value  its first bytes, at most `valueByteLimit`
///     type   0; the sequence is that of the owner
///
/// The layer that gave the owner its meaning takes the notes (`Store.orphans`), removes what is left, and
/// deletes each note in the batch that does so. Numbers are big-endian.
public struct Orphan: Sendable, Equatable {
  /// The bytes of an owner that stand in the keys of what it owns.
  public static let identityByteCount = 2 + InternalKey.mapIDByteCount
  private static let prefixByteCount = 4
  static let keyByteCount = prefixByteCount + identityByteCount
  /// Of an owner's value, no more is kept.
  public static let valueByteLimit = 64

  /// Where the note is.
  public let key: [UInt8]
  /// What the owner's value began with.
  public let value: [UInt8]

  /// Of the note at `key`. Nil where it is none.
  init?(key: RawSpan, value: RawSpan) {
    guard key.byteCount == Self.keyByteCount else { return nil }
    self.key = Array(copying: key)
    self.value = Array(copying: value)
  }

  /// Of the owner at `ownerKey`. Nil where it owns nothing.
  init?(ownerKey: RawSpan, type: UInt8, value: RawSpan) {
    guard Self.isOwner(type, value), !InternalKey.contains(ownerKey) else { return nil }
    let slot = Routing.slot(of: ownerKey)
    var key: [UInt8] = [0, InternalKey.Kind.orphan.rawValue, UInt8(slot >> 8), UInt8(slot & 0xFF)]
    key.append(copying: value.extracting(0..<Self.identityByteCount))
    self.key = key
    self.value = Array(copying: value.extracting(0..<min(value.byteCount, Self.valueByteLimit)))
  }

  /// Whether an entry owns others.
  @inline(__always)
  static func isOwner(_ type: UInt8, _ value: RawSpan) -> Bool {
    type != 0 && value.byteCount >= identityByteCount
  }

  /// The newest delete of everything, up to `sequence`, that may not be carried out yet: what an older owner owned
  /// goes by it. 0 where there is none.
  static func newestOfEverything(in layers: Layers, at sequence: SequenceNumber) -> SequenceNumber {
    // No other range delete covers this.
    let key = InternalKey.orphans.lower
    return layers.tombstoneSequence(over: key.rawSpan, at: sequence)
  }

  /// Where the keys of what the owner has left lie.
  public var owned: KeyRange {
    .prefix([0, InternalKey.Kind.mapField.rawValue] + key[Self.prefixByteCount...])
  }
}

extension WriteTransaction {
  /// Writes notes, each with the sequence of its owner. Returns how many are new.
  mutating func add(
    _ orphans: [(orphan: Orphan, sequence: SequenceNumber)]
  ) throws(StoreError) -> Int {
    if DeliberateBug.forgetsOrphans.isOn { return 0 }
    var newCount = 0
    let seed = environment.checksumSeed
    for (orphan, sequence) in orphans {
      let key = orphan.key.rawSpan
      let isNew = try withValue(of: key) { if $0 == nil { true } else { false } }
      if isNew { newCount += 1 }
      let value = orphan.value.rawSpan
      try reserve(key, byteCount: StoredValue.headerByteCount + value.byteCount) { target in
        StoredValue.encode(
          StoredValue.Header(sequence: sequence), key: key, value: value, seed: seed, into: &target)
      }
    }
    return newCount
  }
}
