import KVStore

/// The type of a key's entry, as stored in its header in the engine.
package enum RecordType: UInt8, Sendable {
  /// A plain value.
  case string = 0
  /// The record of a map. Its fields are separate entries.
  case map = 1
  /// A map record whose fields are set members with empty values.
  case set = 2

  /// The name that TYPE returns.
  package var name: StaticString {
    switch self {
    case .string: "string"
    case .map: "hash"
    case .set: "set"
    }
  }

  /// Whether the type has fields, stored as separate entries.
  var hasFields: Bool { self != .string }
}

extension EntryInfo {
  /// The type; nil if a newer version wrote it.
  package var recordType: RecordType? { RecordType(rawValue: type) }

  /// The number of fields of the map whose record is `value`.
  package func fieldCount(_ value: RawSpan) -> Int {
    MapRecord(of: self, value)?.count ?? 0
  }
}
