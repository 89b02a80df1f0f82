import KVStore

/// What the entry of a key is, as its header in the engine says.
package enum RecordType: UInt8, Sendable {
  /// A value of its own.
  case string = 0
  /// The record of a map: its fields are entries of their own.
  case map = 1
  /// The same with members for fields, whose values are empty.
  case set = 2

  /// What TYPE calls it.
  package var name: StaticString {
    switch self {
    case .string: "string"
    case .map: "hash"
    case .set: "set"
    }
  }

  /// Whether what belongs to it is stored elsewhere too.
  var hasFields: Bool { self != .string }
}

extension EntryInfo {
  /// The type, nil if a newer version of this code wrote it.
  package var recordType: RecordType? { RecordType(rawValue: type) }

  /// How many fields the map has whose record `value` is.
  package func fieldCount(_ value: RawSpan) -> Int {
    MapRecord(of: self, value)?.count ?? 0
  }
}
