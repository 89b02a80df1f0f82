import Base

/// Changes that are made together or not at all, over any number of partitions.
///
/// They take effect in the order in which they are added. Nothing is checked or written before
/// `Store.commit`.
public struct Batch: Sendable {
  /// Mutations in the log's own form; which partition each belongs to is found at commit.
  private(set) var mutations: [UInt8] = []
  private var preconditionCount = 0
  /// Whether it puts nothing, so that the disk does not get fuller by it.
  private(set) var onlyDeletes = true
  /// What it counts, which `Limits.batchByteCount` bounds.
  private(set) var chargedByteCount = 0
  /// The ranges that it deletes. One on both sides of the internal keys is two.
  private(set) var rangeDeleteCount = 0

  /// Whether entries are put and removed as they are, internal ones among them.
  private(set) var isOfStoredKeys = false

  /// An empty batch.
  public init() {}

  /// Whether nothing was added.
  public var isEmpty: Bool { mutations.isEmpty }

  /// The bytes of all keys and values, and a few more for each.
  public var byteCount: Int { mutations.count }

  /// Sets `key` to `value`. Either may be empty. Throws `.keyTooLong`, `.reservedKey` and `.valueTooLarge`. O(n).
  public mutating func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    try Limits.check(value: value.rawSpan)
    chargedByteCount += key.count + value.count + Limits.mutationByteCount
    onlyDeletes = false
    mutations.appendPut(key.rawSpan, value.rawSpan)
  }

  /// Sets `key` to a value of a type, below 128, that ceases to exist when the store's clock (`Store.now`) shows
  /// `expiry`, milliseconds since 1970; 0 for never. Throws as the other one does.
  public mutating func put(
    _ key: [UInt8], _ value: [UInt8], type: UInt8, expiry: UInt64 = 0
  ) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    try append(key, value, type: type, expiry: expiry)
  }

  /// Puts an entry as it is, for a key that may be an internal one. What belongs to what is replaced is the caller's,
  /// for all of the batch.
  mutating func put(
    stored key: [UInt8], _ value: [UInt8], type: UInt8 = 0, expiry: UInt64 = 0
  ) throws(StoreError) {
    isOfStoredKeys = true
    try append(key, value, type: type, expiry: expiry)
  }

  private mutating func append(
    _ key: [UInt8], _ value: [UInt8], type: UInt8, expiry: UInt64
  ) throws(StoreError) {
    precondition(type <= EntryHeader.typeLimit)
    try Limits.check(stored: key.rawSpan)
    if expiry != 0 { try Limits.check(expiring: key.rawSpan) }
    try Limits.check(value: value.rawSpan)
    chargedByteCount += key.count + value.count + Limits.mutationByteCount
    onlyDeletes = false
    mutations.appendPut(key.rawSpan, value.rawSpan, type: type, expiry: expiry)
  }

  /// Removes `key`, if it is there. Throws `.keyTooLong` and `.reservedKey`.
  public mutating func delete(_ key: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    appendDelete(key)
  }

  /// Removes an entry alone: as the stored `put` puts one.
  mutating func delete(stored key: [UInt8]) throws(StoreError) {
    isOfStoredKeys = true
    try Limits.check(stored: key.rawSpan)
    appendDelete(key)
  }

  private mutating func appendDelete(_ key: [UInt8]) {
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendDelete(key.rawSpan)
  }

  /// Removes every key in `range`, at a cost that does not depend on how many there are. Keys that the
  /// same batch puts afterwards stay. A batch may delete `Limits.rangeDeletesPerBatch` ranges.
  /// Throws `.keyTooLong`.
  public mutating func deleteRange(_ range: KeyRange) throws(StoreError) {
    try Limits.check(range: range)
    if range.isEmpty { return }
    rangeDeleteCount += range.deletedParts.count
    chargedByteCount += range.byteCount + Limits.mutationByteCount
    mutations.appendDeleteRange(range)
  }

  /// Makes the batch depend on `condition`, which is checked against everything committed before, not
  /// against the batch itself. The first one that does not hold is named by
  /// `.preconditionFailed(index:)`, counted in the order of these calls. Throws `.keyTooLong` and `.reservedKey`.
  public mutating func require(_ condition: Precondition, of key: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendRequire(condition, of: key.rawSpan, index: preconditionCount)
    preconditionCount += 1
  }
}
