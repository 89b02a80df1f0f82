import Base

/// A note that a range delete removed an entry which owned others, without reading it or what it owned.
///
/// An entry of `Keyspace.keys` with a type owns the entries of `Keyspace.owned` whose keys begin with the
/// first 14 bytes of its value. A command that removes an owner removes what it owns in the same batch. A
/// range delete hides an owner without reading it. Such an owner is found only when it is physically removed, while its memtable is applied or by the purge worker.
/// The same LMDB transaction then writes this entry of `Keyspace.orphans`, in the owner's partition:
///
///     key    slot of the owner's key u16 | first 14 bytes of the owner's value
///     value  first bytes of the owner's value, at most `valueByteLimit`
///     type   0; the sequence is that of the owner
///
/// The layer that defines what owners mean reads the notes (`Store.orphans`), removes what is left, and
/// deletes each note in the batch that does so. Numbers are big-endian.
public struct Orphan: Sendable, Equatable {
  /// The number of bytes of an owner's value that are in the keys of what it owns.
  public static let identityByteCount = 14
  static let prefixByteCount = 2
  static let keyByteCount = prefixByteCount + identityByteCount
  /// The most bytes of an owner's value that a note keeps.
  public static let valueByteLimit = 64

  /// The key of the note.
  public let key: [UInt8]
  /// The first bytes of the owner's value.
  public let value: [UInt8]

  /// The note stored at `key`; nil if it is not a note.
  init?(key: RawSpan, value: RawSpan) {
    guard key.byteCount == Self.keyByteCount else { return nil }
    self.key = Array(copying: key)
    self.value = Array(copying: value)
  }

  /// The note for the owner at `ownerKey`, one of `Keyspace.keys`; nil if that entry owns nothing.
  init?(ownerKey: RawSpan, type: UInt8, value: RawSpan) {
    guard Self.isOwner(type, value) else { return nil }
    let slot = EntryAddress(.keys, ownerKey).slot
    var key = [UInt8(slot >> 8), UInt8(slot & 0xFF)]
    key.append(copying: value.extracting(0..<Self.identityByteCount))
    self.key = key
    self.value = Array(copying: value.extracting(0..<min(value.byteCount, Self.valueByteLimit)))
  }

  /// Whether an entry owns others.
  @inline(__always)
  static func isOwner(_ type: UInt8, _ value: RawSpan) -> Bool {
    type != 0 && value.byteCount >= identityByteCount
  }

  /// The sequence of the newest delete of everything, at or below `sequence`, that may not be carried out
  /// yet; 0 if there is none. It also removes what older owners owned.
  static func newestFullDeleteSequence(in layers: Layers, at sequence: SequenceNumber)
    -> SequenceNumber
  {
    layers.tombstoneSequence(over: ofEverythingOwned, at: sequence)
  }

  /// No entry has this address, because the keys of owned entries are longer: only a delete of all owned
  /// entries covers it.
  static var ofEverythingOwned: EntryAddress {
    @_lifetime(immortal) get { EntryAddress(.owned, RawSpan()) }
  }

  /// The range of the keys in `Keyspace.owned` that the owner owned.
  public var owned: KeyRange { .prefix(Array(key[Self.prefixByteCount...])) }
}

extension WriteTransaction {
  /// Writes notes, each with the sequence of its owner. Returns how many of them are new.
  mutating func add(
    _ orphans: [(orphan: Orphan, sequence: SequenceNumber)]
  ) throws(StoreError) -> Int {
    if DeliberateBug.forgetsOrphans.isOn { return 0 }
    var newCount = 0
    let seed = environment.checksumSeed
    for (orphan, sequence) in orphans {
      let storedKey = [Keyspace.orphans.rawValue] + orphan.key
      let key = storedKey.rawSpan
      let isNew = try withValue(of: key) { if $0 == nil { true } else { false } }
      if isNew { newCount += 1 }
      let value = orphan.value.rawSpan
      try reserve(key, byteCount: StoredValue.headerByteCount + value.byteCount) { target in
        StoredValue.encode(
          StoredValue.Header(sequence: sequence), storedKey: key, value: value, seed: seed,
          into: &target)
      }
    }
    return newCount
  }
}
