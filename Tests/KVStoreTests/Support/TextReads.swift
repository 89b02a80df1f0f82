import Base

@testable import KVStore

/// Reads and writes by text, for tests whose keys are words.
extension Reader {
  func value(_ key: String) throws(StoreError) -> [UInt8]? {
    try withValue(of: bytes(key).rawSpan) { copy($0) }
  }

  func sequence(_ key: String, through: SequenceNumber = 0) throws(StoreError) -> SequenceNumber {
    try sequence(of: bytes(key).rawSpan, through: through)
  }
}

extension Evaluation {
  mutating func value(_ key: String) throws(StoreError) -> [UInt8]? {
    try withValue(of: bytes(key).rawSpan) { copy($0) }
  }

  mutating func put(_ key: String, _ value: String) throws(StoreError) {
    let value = bytes(value)
    try put(bytes(key).rawSpan, value.rawSpan)
  }

  mutating func delete(_ key: String) throws(StoreError) {
    try delete(bytes(key).rawSpan)
  }

  mutating func sequence(_ key: String) throws(StoreError) -> SequenceNumber {
    try sequence(of: bytes(key).rawSpan)
  }
}
