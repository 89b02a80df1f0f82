import Base
import TxnWAL

/// One step of a batch as the log carries it to a partition, little-endian. The first byte is the kind; its
/// values are part of the format.
///
///     kind              after the kind byte
///     1 put             key count u16, value count u32, keyspace u8, key, value
///     2 delete          key count u16, keyspace u8, key
///     3 deleteRange     lower count u16, upper count u16 (0xFFFF: no end), keyspace u8, lower, upper
///     4 requireAbsent   key count u16, index u32, keyspace u8, key
///     5 requirePresent  key count u16, index u32, keyspace u8, key
///     6 requireSequence key count u16, index u32, sequence u64, keyspace u8, key
///     7 putEntry        key count u16, value count u32, type u8, expiry u64, keyspace u8 (0), key, value
///
/// The keyspace and the key are adjacent, and so form the stored key. Counts do not include the keyspace.
/// Replay ignores preconditions: that the log has the batch proves that they held. `index` is the precondition's place
/// among those of its batch. In the log, a put of type 0 without an expiry is always a `put`.
struct Mutation {
  enum Kind: UInt8 {
    case put = 1
    case delete = 2
    case deleteRange = 3
    case requireAbsent = 4
    case requirePresent = 5
    case requireSequence = 6
    case putEntry = 7
  }

  static let noUpperBound = UInt16.max

  var kind: Kind
  var keyspace: Keyspace
  /// The key's range in the bytes; for a range delete, that of the lower bound.
  var key: Range<Int>
  /// The value's range in the bytes; for a range delete, that of the upper bound. Nil if there is none.
  var value: Range<Int>?
  /// For a precondition: its place among those of the batch.
  var index = 0
  /// For `requireSequence`.
  var sequence: SequenceNumber = 0
  /// For `putEntry`.
  var type: UInt8 = 0
  /// For `putEntry`.
  var expiry: UInt64 = 0
  /// The offset of the next mutation.
  var end: Int

  /// The range of the stored key in the bytes.
  var storedKey: Range<Int> { key.lowerBound &- 1..<key.upperBound }

  /// The address of the entry that the mutation concerns, borrowed from `bytes`.
  @inline(__always)
  @_lifetime(copy bytes)
  func address(in bytes: RawSpan) -> EntryAddress {
    EntryAddress(keyspace, bytes.extracting(key))
  }

  /// The mutation at `offset`, or nil if the bytes there are not a mutation.
  static func parse(_ bytes: RawSpan, at offset: Int) -> Mutation? {
    let room = bytes.byteCount - offset
    guard room >= 1, let kind = Kind(rawValue: bytes.load(at: offset, as: UInt8.self)) else {
      return nil
    }
    let fieldByteCount = kind.fieldByteCount
    guard room >= fieldByteCount,
      let keyspace = Keyspace(
        rawValue: bytes.load(at: offset + fieldByteCount - 1, as: UInt8.self))
    else { return nil }
    let keyStart = offset + fieldByteCount
    let keyEnd = keyStart + Int(bytes.load(at: offset + 1, as: UInt16.self))
    var mutation = Mutation(kind: kind, keyspace: keyspace, key: keyStart..<keyEnd, end: keyEnd)
    switch kind {
    case .delete: break
    case .put:
      mutation.setValue(Int(bytes.load(at: offset + 3, as: UInt32.self)))
    case .putEntry:
      mutation.setValue(Int(bytes.load(at: offset + 3, as: UInt32.self)))
      mutation.type = bytes.load(at: offset + 7, as: UInt8.self)
      mutation.expiry = bytes.load(at: offset + 8, as: UInt64.self)
      guard mutation.type <= EntryHeader.typeLimit, keyspace == .keys else { return nil }
    case .deleteRange:
      let upperCount = bytes.load(at: offset + 3, as: UInt16.self)
      if upperCount != noUpperBound { mutation.setValue(Int(upperCount)) }
      // A bound may be one byte longer than a key.
      guard max(mutation.key.count, mutation.value?.count ?? 0) <= Limits.storedKeyByteCount
      else { return nil }
    case .requireAbsent, .requirePresent:
      mutation.index = Int(bytes.load(at: offset + 3, as: UInt32.self))
    case .requireSequence:
      mutation.index = Int(bytes.load(at: offset + 3, as: UInt32.self))
      mutation.sequence = bytes.load(at: offset + 7, as: UInt64.self)
    }
    return mutation.end <= bytes.byteCount ? mutation : nil
  }

  private mutating func setValue(_ byteCount: Int) {
    value = key.upperBound..<key.upperBound + byteCount
    end = key.upperBound + byteCount
  }
}

/// A put of bytes that never expire, which is what nearly all mutations are: its frame is one word.
struct PlainPut: BitwiseCopyable {
  let keyspace: Keyspace
  let keyStart: Int
  let keyEnd: Int
  /// The offset of the next mutation, and the end of the value.
  let end: Int

  /// The put at `offset`, or nil if the mutation there is another one, or none.
  @inline(__always)
  init?(_ bytes: RawSpan, at offset: Int) {
    guard bytes.byteCount &- offset >= 8 else { return nil }
    let frame = bytes.load(at: offset, as: UInt64.self)
    guard UInt8(truncatingIfNeeded: frame) == Mutation.Kind.put.rawValue,
      let keyspace = Keyspace(rawValue: UInt8(truncatingIfNeeded: frame >> 56))
    else { return nil }
    self.keyspace = keyspace
    keyStart = offset &+ 8
    keyEnd = keyStart &+ Int(UInt16(truncatingIfNeeded: frame >> 8))
    end = keyEnd &+ Int(UInt32(truncatingIfNeeded: frame >> 24))
    guard end <= bytes.byteCount else { return nil }
  }
}

extension Mutation.Kind {
  /// The bytes before the key, the kind's and the keyspace's included.
  var fieldByteCount: Int {
    switch self {
    case .delete: 4
    case .deleteRange: 6
    case .put, .requireAbsent, .requirePresent: 8
    case .requireSequence: 16
    case .putEntry: 17
    }
  }
}

/// A range delete: the range, and the keyspace that it addresses.
struct DeletedRange: Equatable, Sendable {
  var keyspace: Keyspace
  var range: KeyRange

  init(_ range: KeyRange, in keyspace: Keyspace) {
    self.keyspace = keyspace
    self.range = range
  }

  /// The range delete of a `deleteRange` mutation in `bytes`.
  init(_ mutation: Mutation, in bytes: RawSpan) {
    keyspace = mutation.keyspace
    range = KeyRange(
      from: Array(copying: bytes.extracting(mutation.key)),
      to: mutation.value.map { Array(copying: bytes.extracting($0)) })
  }

  /// The stored keys that it covers.
  var storedKeys: StoredRange { range.storedKeys(in: keyspace) }
}

/// A destination for mutations: the log's buffer, or a batch that is being built.
protocol MutationTarget: ~Copyable {
  mutating func appendPut(_ address: EntryAddress, _ value: RawSpan)
  mutating func append(_ bytes: RawSpan)
  mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer)
}

extension MutationTarget where Self: ~Copyable {
  mutating func append(_ address: EntryAddress) {
    append(address.keyspace.rawValue)
    append(address.key)
  }

  mutating func appendPut(_ address: EntryAddress, _ value: RawSpan) {
    append(Mutation.Kind.put.rawValue)
    append(UInt16(address.key.byteCount))
    append(UInt32(value.byteCount))
    append(address)
    append(value)
  }

  mutating func appendPut(
    _ address: EntryAddress, _ value: RawSpan, type: UInt8, expiry: UInt64
  ) {
    append(Mutation.Kind.putEntry.rawValue)
    append(UInt16(address.key.byteCount))
    append(UInt32(value.byteCount))
    append(type)
    append(expiry)
    append(address)
    append(value)
  }

  /// Appends the put of an expiry index entry for `key`, one of `Keyspace.keys`.
  mutating func appendPutIndex(of key: RawSpan, expiry: UInt64) {
    append(Mutation.Kind.put.rawValue)
    append(UInt16(ExpiryIndex.prefixByteCount + key.byteCount))
    append(0 as UInt32)
    appendIndexKey(of: key, expiry: expiry)
  }

  mutating func appendDeleteIndex(of key: RawSpan, expiry: UInt64) {
    append(Mutation.Kind.delete.rawValue)
    append(UInt16(ExpiryIndex.prefixByteCount + key.byteCount))
    appendIndexKey(of: key, expiry: expiry)
  }

  private mutating func appendIndexKey(of key: RawSpan, expiry: UInt64) {
    append(Keyspace.expiries.rawValue)
    append(expiry.byteSwapped)
    append(key)
  }

  mutating func appendDelete(_ address: EntryAddress) {
    append(Mutation.Kind.delete.rawValue)
    append(UInt16(address.key.byteCount))
    append(address)
  }

  mutating func appendDeleteRange(_ range: KeyRange, in keyspace: Keyspace) {
    append(Mutation.Kind.deleteRange.rawValue)
    append(UInt16(range.lower.count))
    append(range.upper.map { UInt16($0.count) } ?? Mutation.noUpperBound)
    append(keyspace.rawValue)
    append(range.lower.rawSpan)
    if let upper = range.upper { append(upper.rawSpan) }
  }

  mutating func appendRequire(_ condition: Precondition, of address: EntryAddress, index: Int) {
    let kind: Mutation.Kind =
      switch condition {
      case .absent: .requireAbsent
      case .present: .requirePresent
      case .sequence: .requireSequence
      }
    append(kind.rawValue)
    append(UInt16(address.key.byteCount))
    append(UInt32(index))
    if case .sequence(let sequence) = condition { append(sequence) }
    append(address)
  }
}

extension Sequencer: MutationTarget {
  /// The most frequent mutation by far, so space for all of it is reserved once.
  mutating func appendPut(_ address: EntryAddress, _ value: RawSpan) {
    let key = address.key
    let valueOffset = 8 &+ key.byteCount
    append(byteCount: valueOffset &+ value.byteCount) { bytes in
      bytes.store(Mutation.Kind.put.rawValue, at: 0)
      bytes.store(UInt16(key.byteCount), at: 1)
      bytes.store(UInt32(value.byteCount), at: 3)
      bytes.store(address.keyspace.rawValue, at: 7)
      bytes.copy(key, at: 8)
      bytes.copy(value, at: valueOffset)
    }
  }
}

extension [UInt8]: MutationTarget {
  mutating func append(_ bytes: RawSpan) { append(copying: bytes) }

  mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    appendLittleEndian(value)
  }
}
