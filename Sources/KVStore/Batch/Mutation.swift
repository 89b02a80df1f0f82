import Base
import TxnWAL

/// One step of a batch as the log carries it to a partition, little-endian. The first byte is the kind; its
/// values are part of the format.
///
///     kind              after the kind byte
///     1 put             key count u16, value count u32, key, value
///     2 delete          key count u16, key
///     3 deleteRange     lower count u16, upper count u16 (0xFFFF: no end), lower, upper
///     4 requireAbsent   key count u16, index u32, key
///     5 requirePresent  key count u16, index u32, key
///     6 requireSequence key count u16, index u32, sequence u64, key
///     7 putEntry        key count u16, value count u32, type u8, expiry u64, key, value
///
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

  /// The mutation at `offset`, or nil if the bytes there are not a mutation.
  static func parse(_ bytes: RawSpan, at offset: Int) -> Mutation? {
    let room = bytes.byteCount - offset
    guard room >= 3, let kind = Kind(rawValue: bytes.load(at: offset, as: UInt8.self)) else {
      return nil
    }
    let keyCount = Int(bytes.load(at: offset + 1, as: UInt16.self))
    switch kind {
    case .put:
      guard room >= 7 else { return nil }
      let valueCount = Int(bytes.load(at: offset + 3, as: UInt32.self))
      guard keyCount + valueCount <= room - 7 else { return nil }
      let key = offset + 7..<offset + 7 + keyCount
      let value = key.upperBound..<key.upperBound + valueCount
      return Mutation(kind: kind, key: key, value: value, end: value.upperBound)
    case .delete:
      guard keyCount <= room - 3 else { return nil }
      let key = offset + 3..<offset + 3 + keyCount
      return Mutation(kind: kind, key: key, end: key.upperBound)
    case .deleteRange:
      guard room >= 5 else { return nil }
      let upperField = bytes.load(at: offset + 3, as: UInt16.self)
      let upperCount = upperField == noUpperBound ? 0 : Int(upperField)
      guard keyCount + upperCount <= room - 5 else { return nil }
      let lower = offset + 5..<offset + 5 + keyCount
      let upper = lower.upperBound..<lower.upperBound + upperCount
      return Mutation(
        kind: kind, key: lower, value: upperField == noUpperBound ? nil : upper,
        end: upper.upperBound)
    case .requireAbsent, .requirePresent, .requireSequence:
      let fields = kind == .requireSequence ? 15 : 7
      guard room >= fields, keyCount <= room - fields else { return nil }
      let key = offset + fields..<offset + fields + keyCount
      return Mutation(
        kind: kind, key: key, index: Int(bytes.load(at: offset + 3, as: UInt32.self)),
        sequence: kind == .requireSequence ? bytes.load(at: offset + 7, as: UInt64.self) : 0,
        end: key.upperBound)
    case .putEntry:
      guard room >= 16 else { return nil }
      let valueCount = Int(bytes.load(at: offset + 3, as: UInt32.self))
      let type = bytes.load(at: offset + 7, as: UInt8.self)
      guard keyCount + valueCount <= room - 16, type <= EntryHeader.typeLimit else { return nil }
      let key = offset + 16..<offset + 16 + keyCount
      let value = key.upperBound..<key.upperBound + valueCount
      return Mutation(
        kind: kind, key: key, value: value, type: type,
        expiry: bytes.load(at: offset + 8, as: UInt64.self), end: value.upperBound)
    }
  }
}

extension KeyRange {
  /// The range of a `deleteRange` mutation in `bytes`.
  init(_ mutation: Mutation, in bytes: RawSpan) {
    lower = Array(copying: bytes.extracting(mutation.key))
    upper = mutation.value.map { Array(copying: bytes.extracting($0)) }
  }
}

/// A destination for mutations: the log's buffer, or a batch that is being built.
protocol MutationTarget: ~Copyable {
  mutating func appendPut(_ key: RawSpan, _ value: RawSpan)
  mutating func append(_ bytes: RawSpan)
  mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer)
}

extension MutationTarget where Self: ~Copyable {
  mutating func appendPut(_ key: RawSpan, _ value: RawSpan) {
    append(Mutation.Kind.put.rawValue)
    append(UInt16(key.byteCount))
    append(UInt32(value.byteCount))
    append(key)
    append(value)
  }

  mutating func appendPut(_ key: RawSpan, _ value: RawSpan, type: UInt8, expiry: UInt64) {
    append(Mutation.Kind.putEntry.rawValue)
    append(UInt16(key.byteCount))
    append(UInt32(value.byteCount))
    append(type)
    append(expiry)
    append(key)
    append(value)
  }

  /// Appends the put of an expiry index entry for `key`.
  mutating func appendPutIndex(of key: RawSpan, expiry: UInt64) {
    append(Mutation.Kind.put.rawValue)
    append(UInt16(ExpiryIndex.prefixByteCount + key.byteCount))
    append(0 as UInt32)
    append(ExpiryIndex.prefixWord(expiry).byteSwapped)
    append(key)
  }

  mutating func appendDeleteIndex(of key: RawSpan, expiry: UInt64) {
    append(Mutation.Kind.delete.rawValue)
    append(UInt16(ExpiryIndex.prefixByteCount + key.byteCount))
    append(ExpiryIndex.prefixWord(expiry).byteSwapped)
    append(key)
  }

  mutating func appendDelete(_ key: RawSpan) {
    append(Mutation.Kind.delete.rawValue)
    append(UInt16(key.byteCount))
    append(key)
  }

  mutating func appendDeleteRange(_ range: KeyRange) {
    append(Mutation.Kind.deleteRange.rawValue)
    append(UInt16(range.lower.count))
    append(range.upper.map { UInt16($0.count) } ?? Mutation.noUpperBound)
    append(range.lower.rawSpan)
    if let upper = range.upper { append(upper.rawSpan) }
  }

  mutating func appendRequire(_ condition: Precondition, of key: RawSpan, index: Int) {
    let kind: Mutation.Kind =
      switch condition {
      case .absent: .requireAbsent
      case .present: .requirePresent
      case .sequence: .requireSequence
      }
    append(kind.rawValue)
    append(UInt16(key.byteCount))
    append(UInt32(index))
    if case .sequence(let sequence) = condition { append(sequence) }
    append(key)
  }
}

extension Sequencer: MutationTarget {
  /// The most frequent mutation by far, so space for all of it is reserved once.
  mutating func appendPut(_ key: RawSpan, _ value: RawSpan) {
    let valueOffset = 7 &+ key.byteCount
    append(byteCount: valueOffset &+ value.byteCount) { bytes in
      bytes.store(Mutation.Kind.put.rawValue, at: 0)
      bytes.store(UInt16(key.byteCount), at: 1)
      bytes.store(UInt32(value.byteCount), at: 3)
      bytes.copy(key, at: 7)
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
