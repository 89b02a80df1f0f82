import Base
import KVStore

/// A map being changed in an evaluation, lent by `Evaluation.editMap`.
public struct MapEdit {
  private var id: MapID?
  private var fieldKey: FieldKey?
  private let expiry: UInt64
  private let type: RecordType
  private var isChanged = false

  /// The current number of fields. O(1).
  public private(set) var count: Int

  init(
    _ key: RawSpan, type: RecordType, in evaluation: inout Evaluation
  ) throws(StoreError) {
    let found = try evaluation.record(at: key, type: type)
    id = found?.record.id
    count = found?.record.count ?? 0
    expiry = found?.expiry ?? 0
    fieldKey = id.map { FieldKey(of: $0) }
    self.type = type
  }

  /// Lends the value of `field`, nil if there is none. Expected O(1) in memory, O(log n) on disk.
  public mutating func withValue<R>(
    of field: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard count > 0, field.byteCount <= MapLimits.fieldByteCount,
      let key = key(of: field)
    else { return try body(nil) }
    let (result, byteCount) = try evaluation.withEntry(of: key.rawSpan, in: .owned) {
      info, value throws(StoreError) in
      (try info == nil ? body(nil) : body(value), value.byteCount)
    }
    try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: byteCount))
    return result
  }

  /// Whether the map has `field`.
  public mutating func contains(
    _ field: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    try withValue(of: field, in: &evaluation) { if $0 == nil { false } else { true } }
  }

  /// Sets `field` to `value` and returns whether it is new. Throws `.keyTooLong` for a field longer than
  /// `MapLimits.fieldByteCount` bytes, `.valueTooLarge` and `.batchTooLarge`. O(1) plus a look-up.
  @discardableResult
  public mutating func set(
    _ field: RawSpan, _ value: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    let isNew = try !contains(field, in: &evaluation)
    try put(field, value, isNew: isNew, in: &evaluation)
    return isNew
  }

  /// Same as `set`, for a caller that already knows whether the field exists.
  package mutating func put(
    _ field: RawSpan, _ value: RawSpan, isNew: Bool, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try FieldKey.check(field)
    guard let key = key(of: field) else { preconditionFailure("begin was not called") }
    // Called before anything is written, because it ends an evaluation whose time is up.
    try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: value.byteCount))
    try evaluation.putEntry(key.rawSpan, value, in: .owned)
    if isNew { count += 1 }
    isChanged = true
  }

  /// Removes `field` and returns whether it existed.
  @discardableResult
  public mutating func delete(
    _ field: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    guard try contains(field, in: &evaluation), let key = key(of: field) else { return false }
    try evaluation.deleteEntry(key.rawSpan, in: .owned)
    count -= 1
    isChanged = true
    return true
  }

  /// Whether there is no map at the key.
  var isAbsent: Bool { id == nil }

  /// Gives an absent map its id before its first field is written. An expired map is removed with its record, so
  /// that no record is left without its fields even if no field is written.
  mutating func begin(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    evaluation.attach(MapFieldCleanup())
    if evaluation.mayHoldOwners { try Records.remove(key, in: &evaluation) }
    let id = evaluation.makeMapID(for: key)
    self.id = id
    fieldKey = FieldKey(of: id)
  }

  /// Writes the record, or removes it if the last field was removed. If this throws, the evaluation has failed:
  /// fields were written that the record does not reflect.
  func finish(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {
    guard isChanged, let id else { return }
    do throws(StoreError) {
      guard count > 0 else { return try evaluation.deleteEntry(key, replacing: expiry) }
      let record = MapRecord(id: id, count: count).bytes
      try evaluation.putEntry(
        key, record.rawSpan, type: type.rawValue, expiry: expiry, replacing: expiry)
    } catch {
      evaluation.fail(error)
      throw error
    }
  }

  private mutating func key(of field: RawSpan) -> [UInt8]? {
    fieldKey?.set(field)
    return fieldKey?.bytes
  }
}
