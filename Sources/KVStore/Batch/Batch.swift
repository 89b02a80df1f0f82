import Base

/// A set of changes that are made together or not at all, over any number of partitions.
///
/// They take effect in the order in which they are added. Adding one checks only its limits: nothing is
/// compared with the store or written before `Store.commit`.
public struct Batch: Sendable {
  /// The mutations in the log's format. Their partitions are determined at commit.
  private(set) var mutations: [UInt8] = []
  private var preconditionCount = 0
  /// Whether the batch puts nothing, so that it does not fill the disk further.
  private(set) var onlyDeletes = true
  /// The size of the batch, as `Limits.batchByteCount` counts it.
  private(set) var chargedByteCount = 0
  /// The number of ranges that the batch deletes. A range with keys on both sides of the internal keys counts
  /// as two; `KeyRange.everything` counts as one.
  private(set) var rangeDeleteCount = 0

  /// Whether stored entries are put and removed directly, internal ones included.
  private(set) var writesStoredEntries = false

  /// An empty batch.
  public init() {}

  /// Whether the batch has no mutations.
  public var isEmpty: Bool { mutations.isEmpty }

  /// The bytes of all keys and values, plus a few more for each.
  public var byteCount: Int { mutations.count }

  /// Sets `key` to `value`. Either may be empty. O(n). Throws `.keyTooLong`, `.reservedKey` and `.valueTooLarge`.
  public mutating func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    try Limits.check(value: value.rawSpan)
    chargedByteCount += key.count + value.count + Limits.mutationByteCount
    onlyDeletes = false
    mutations.appendPut(key.rawSpan, value.rawSpan)
  }

  /// Sets `key` to a value with a type below 128. It expires when the store's clock (`Store.now`) reaches
  /// `expiry`, in milliseconds since 1970; 0 means never. Throws like the other `put`.
  public mutating func put(
    _ key: [UInt8], _ value: [UInt8], type: UInt8, expiry: UInt64 = 0
  ) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    try append(key, value, type: type, expiry: expiry)
  }

  /// Puts an entry as it is. `key` may be internal. For the whole batch, the caller is responsible for the
  /// entries that belong to replaced ones.
  mutating func put(
    stored key: [UInt8], _ value: [UInt8], type: UInt8 = 0, expiry: UInt64 = 0
  ) throws(StoreError) {
    writesStoredEntries = true
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

  /// Removes `key`, if it exists. Throws `.keyTooLong` and `.reservedKey`.
  public mutating func delete(_ key: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    appendDelete(key)
  }

  /// Removes only the entry itself, like the stored `put`.
  mutating func delete(stored key: [UInt8]) throws(StoreError) {
    writesStoredEntries = true
    try Limits.check(stored: key.rawSpan)
    appendDelete(key)
  }

  private mutating func appendDelete(_ key: [UInt8]) {
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendDelete(key.rawSpan)
  }

  /// Removes every key in `range`, at a cost that does not depend on their number. Keys that the same batch
  /// puts afterwards stay. A batch may delete `Limits.rangeDeletesPerBatch` ranges. Throws `.keyTooLong`.
  public mutating func deleteRange(_ range: KeyRange) throws(StoreError) {
    try Limits.check(range: range)
    if range.isEmpty { return }
    rangeDeleteCount += range.deletedParts.count
    chargedByteCount += range.byteCount + Limits.mutationByteCount
    mutations.appendDeleteRange(range)
  }

  /// Makes the batch conditional on `condition`, which is checked against everything committed before it, not
  /// against the batch itself. `.preconditionFailed(index:)` names the first condition that does not hold,
  /// counted in the order of these calls. Throws `.keyTooLong` and `.reservedKey`.
  public mutating func require(_ condition: Precondition, of key: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendRequire(condition, of: key.rawSpan, index: preconditionCount)
    preconditionCount += 1
  }
}
