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
  /// The number of ranges that the batch deletes; `KeyRange.everything` counts as four.
  private(set) var rangeDeleteCount = 0

  /// Whether single entries are put and removed, of any keyspace.
  private(set) var writesSingleEntries = false

  /// An empty batch.
  public init() {}

  /// Whether the batch has no mutations.
  public var isEmpty: Bool { mutations.isEmpty }

  /// The bytes of all keys and values, plus a few more for each.
  public var byteCount: Int { mutations.count }

  /// Sets `key` to `value`. Either may be empty. O(n). Throws `.keyTooLong` and `.valueTooLarge`.
  public mutating func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) {
    try append(key, value, in: .keys, type: 0, expiry: 0)
  }

  /// Sets `key` to a value with a type below 128. It expires when the store's clock (`Store.now`) reaches
  /// `expiry`, in milliseconds since 1970; 0 means never. Throws like the other `put`.
  public mutating func put(
    _ key: [UInt8], _ value: [UInt8], type: UInt8, expiry: UInt64 = 0
  ) throws(StoreError) {
    try append(key, value, in: .keys, type: type, expiry: expiry)
  }

  /// Puts a single entry. For the whole batch, the caller is responsible for the entries that belong to
  /// replaced ones. Only entries of `Keyspace.keys` have a type or an expiry.
  mutating func putEntry(
    _ key: [UInt8], _ value: [UInt8], in keyspace: Keyspace, type: UInt8 = 0, expiry: UInt64 = 0
  ) throws(StoreError) {
    writesSingleEntries = true
    try append(key, value, in: keyspace, type: type, expiry: expiry)
  }

  private mutating func append(
    _ key: [UInt8], _ value: [UInt8], in keyspace: Keyspace, type: UInt8, expiry: UInt64
  ) throws(StoreError) {
    precondition(type <= EntryHeader.typeLimit)
    precondition(keyspace == .keys || type == 0 && expiry == 0)
    let address = EntryAddress(keyspace, key.rawSpan)
    try Limits.check(address)
    try Limits.check(value: value.rawSpan)
    chargedByteCount += key.count + value.count + Limits.mutationByteCount
    onlyDeletes = false
    if type == 0, expiry == 0 {
      mutations.appendPut(address, value.rawSpan)
    } else {
      mutations.appendPut(address, value.rawSpan, type: type, expiry: expiry)
    }
  }

  /// Removes `key`, if it exists. Throws `.keyTooLong`.
  public mutating func delete(_ key: [UInt8]) throws(StoreError) {
    try appendDelete(key, in: .keys)
  }

  /// Removes a single entry, as `putEntry` puts one.
  mutating func deleteEntry(_ key: [UInt8], in keyspace: Keyspace) throws(StoreError) {
    writesSingleEntries = true
    try appendDelete(key, in: keyspace)
  }

  private mutating func appendDelete(_ key: [UInt8], in keyspace: Keyspace) throws(StoreError) {
    let address = EntryAddress(keyspace, key.rawSpan)
    try Limits.check(address)
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendDelete(address)
  }

  /// Removes every key in `range`, at a cost that does not depend on their number. Keys that the same batch
  /// puts afterwards stay. A batch may delete `Limits.rangeDeletesPerBatch` ranges. Throws `.keyTooLong`.
  public mutating func deleteRange(_ range: KeyRange) throws(StoreError) {
    try Limits.check(range: range)
    if range.isEmpty { return }
    rangeDeleteCount += range.deletedKeyspaces.count
    chargedByteCount += range.byteCount + Limits.mutationByteCount
    mutations.appendDeleteRange(range, in: .keys)
  }

  /// Makes the batch conditional on `condition`, which is checked against everything committed before it, not
  /// against the batch itself. `.preconditionFailed(index:)` names the first condition that does not hold,
  /// counted in the order of these calls. Throws `.keyTooLong`.
  public mutating func require(_ condition: Precondition, of key: [UInt8]) throws(StoreError) {
    try Limits.check(key: key.rawSpan)
    chargedByteCount += key.count + Limits.mutationByteCount
    mutations.appendRequire(
      condition, of: EntryAddress(.keys, key.rawSpan), index: preconditionCount)
    preconditionCount += 1
  }
}
