import Base
import KVStore

/// A map stored at one key: fields in byte order, each with a value, and each a separate entry in the engine. The
/// cost of an operation depends on the fields it touches, not on the size of the map.
///
/// A field is 0 to 490 bytes, a value up to 64 MiB; both may contain any bytes. The key is one that `Store.put`
/// accepts; Redis clients see the map as a hash. An absent map has no fields. Setting the first field creates the
/// map, and removing the last one removes it. If the key holds something else, every call throws `.wrongType`.
///
/// Every call that writes is one atomic batch and returns once it is durable. Every call that reads sees one
/// snapshot. All calls throw what `Store.commit` and `Store.get` throw. To change several maps in one batch, use
/// `Store.evaluate` with `Evaluation.editMap`.
public struct OrderedMap: Sendable {
  /// The key that holds the map.
  public let key: [UInt8]
  private let store: Store

  /// The map at `key`, which need not exist. Reads nothing.
  public init(at key: [UInt8], in store: Store) {
    self.key = key
    self.store = store
    store.attachMaps()
  }

  // MARK: Writing

  /// Sets `field` to `value` and returns whether it is new. Throws `.keyTooLong` for a longer field. O(log n).
  @discardableResult
  public func set(_ field: [UInt8], _ value: [UInt8]) throws(StoreError) -> Bool {
    try set([(field, value)]) == 1
  }

  /// Sets several fields and returns how many are new. If a field is given twice, the last value wins. O(m log n)
  /// for m fields.
  @discardableResult
  public func set(_ fields: [(field: [UInt8], value: [UInt8])]) throws(StoreError) -> Int {
    let byteCount = fields.reduce(0) { $0 + Self.overhead + $1.field.count + $1.value.count }
    return try edit(byteCount: byteCount) { map, evaluation throws(StoreError) in
      for entry in fields { try FieldKey.check(entry.field.rawSpan) }
      var added = 0
      for entry in fields
      where try map.set(entry.field.rawSpan, entry.value.rawSpan, in: &evaluation) {
        added += 1
      }
      return added
    }
  }

  /// Removes fields and returns how many existed. O(m log n) for m fields.
  @discardableResult
  public func delete(_ fields: [[UInt8]]) throws(StoreError) -> Int {
    let byteCount = fields.reduce(0) { $0 + Self.overhead + $1.count }
    return try edit(byteCount: byteCount) { map, evaluation throws(StoreError) in
      var deleted = 0
      for field in fields where try map.delete(field.rawSpan, in: &evaluation) { deleted += 1 }
      return deleted
    }
  }

  /// Removes the map and returns whether it existed. Takes effect at once, whatever its size; space is freed in the
  /// background. O(fields) up to 512 fields, O(log n) beyond.
  @discardableResult
  public func deleteAll() throws(StoreError) -> Bool {
    let key = key.rawSpan
    let byteCount = try touchAll() + Self.overhead + key.byteCount
    return try store.carryOut(byteCount: byteCount, onlyDeletes: true) {
      evaluation throws(StoreError) in
      guard try evaluation.record(at: key, type: .map) != nil else { return false }
      try Records.remove(key, in: &evaluation)
      return true
    }
  }

  // MARK: Reading

  /// The number of fields. O(log n).
  public func count() throws(StoreError) -> Int {
    try read { map, _ in map.count } ?? 0
  }

  /// The value of `field`, nil if there is none. O(log n).
  public func get(_ field: [UInt8]) throws(StoreError) -> [UInt8]? {
    let found = try read { map, cut throws(StoreError) in
      try map.withValue(of: field.rawSpan, in: &cut) { value -> [UInt8]? in
        if let value { [UInt8](copying: value) } else { nil }
      }
    }
    return found ?? nil
  }

  /// Lends the fields of a range (for a prefix use `KeyRange.prefix`) in byte order, or backward if `reverse`,
  /// until `limit` is reached or `body` returns false. `body` must not use the store. O(log n) to begin, O(1) per
  /// field. To continue later, begin after the last field: at its bytes followed by a zero byte.
  public func scan(
    _ range: KeyRange = .everything, reverse: Bool = false, limit: Int = .max,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try read { map, cut throws(StoreError) in
      try map.walk(range, reverse: reverse, limit: limit, in: &cut, body)
    }
  }

  /// Space in a batch in addition to a field and its value: the map's id and the record.
  private static let overhead = 96

  private func read<R>(
    _ body: (inout FoundMap, inout ReadCut) throws(StoreError) -> R
  ) throws(StoreError) -> R? {
    let reader = store.makeReader()
    defer { reader.close() }
    return try reader.withMap(at: key.rawSpan) { map, cut throws(StoreError) in
      guard var map else { return nil }
      return try body(&map, &cut)
    }
  }

  private func edit<R>(
    byteCount: Int, _ body: (inout MapEdit, inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try store.carryOut(byteCount: byteCount + key.count, onlyDeletes: false) {
      evaluation throws(StoreError) in
      try evaluation.editMap(at: key.rawSpan, body)
    }
  }

  private func touchAll() throws(StoreError) -> Int {
    let reader = store.makeReader()
    defer { reader.close() }
    return try Records.touch(key.rawSpan, with: reader)
  }
}

extension Store {
  /// Runs `body` as one atomic batch. Returns once it is durable.
  fileprivate func carryOut<R>(
    byteCount: Int, onlyDeletes: Bool, _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let (result, receipt) = try admitAndEvaluate(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: onlyDeletes, body)
    try waitUntilDurable(receipt)
    return result
  }
}
