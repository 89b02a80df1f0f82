import Base
import KVStore

/// A map at a key of a store: fields in the order of their bytes, each with a value, and each an entry of its
/// own in the engine. What an operation costs depends on the fields it touches, not on how many there are.
///
/// A field is 0 to 490 bytes, a value up to 64 MiB, both any bytes. The key is one as `Store.put` takes it; Redis
/// clients see the map there as a hash. An absent map has no fields: the first that is set makes it, and it is
/// gone with the last. Where the key holds something else, everything here throws `.wrongType`.
///
/// Every call that writes is one atomic batch and returns when it is durable; every call that reads sees one
/// moment. All throw what `Store.commit` and `Store.get` throw. To change several maps as one batch use
/// `Store.evaluate` with `Evaluation.editMap`.
public struct OrderedMap: Sendable {
  /// Where the map is.
  public let key: [UInt8]
  private let store: Store

  /// The map at `key`, which need not be there. Nothing is read.
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

  /// Sets many fields, of which the last counts where one comes twice, and returns how many are new.
  /// O(m log n) for m of them.
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

  /// Removes fields and returns how many were there. O(m log n) for m of them.
  @discardableResult
  public func delete(_ fields: [[UInt8]]) throws(StoreError) -> Int {
    let byteCount = fields.reduce(0) { $0 + Self.overhead + $1.count }
    return try edit(byteCount: byteCount) { map, evaluation throws(StoreError) in
      var deleted = 0
      for field in fields where try map.delete(field.rawSpan, in: &evaluation) { deleted += 1 }
      return deleted
    }
  }

  /// Removes the map and returns whether it was there: at once, whatever its size; the space is freed in the
  /// background. O(fields) up to 512 of them, and O(log n) beyond.
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

  /// How many fields there are. O(log n).
  public func count() throws(StoreError) -> Int {
    try read { map, _ in map.count } ?? 0
  }

  /// The value of `field`, nil where there is none. O(log n).
  public func get(_ field: [UInt8]) throws(StoreError) -> [UInt8]? {
    let found = try read { map, cut throws(StoreError) in
      try map.withValue(of: field.rawSpan, in: &cut) { value -> [UInt8]? in
        if let value { [UInt8](copying: value) } else { nil }
      }
    }
    return found ?? nil
  }

  /// Lends the fields of a range (of which `KeyRange.prefix` makes one) in the order of their bytes, backward
  /// where `reverse`, until `limit` or false from `body`, which must not use the store. O(log n) to begin, O(1)
  /// a field. To go on later, begin behind the last field: its bytes and a zero byte.
  public func scan(
    _ range: KeyRange = .everything, reverse: Bool = false, limit: Int = .max,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try read { map, cut throws(StoreError) in
      try map.walk(range, reverse: reverse, limit: limit, in: &cut, body)
    }
  }

  /// Room in a batch for what stands beside a field and its value: the map's id, and the record.
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
  /// Runs `body` as one atomic batch, and returns when it is durable.
  fileprivate func carryOut<R>(
    byteCount: Int, onlyDeletes: Bool, _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let (result, receipt) = try admitAndEvaluate(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: onlyDeletes, body)
    try waitUntilDurable(receipt)
    return result
  }
}
