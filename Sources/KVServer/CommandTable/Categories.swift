/// Redis's command categories. ACL rules allow or deny a category as a whole.
struct Categories: OptionSet, Sendable {
  let rawValue: UInt32

  /// In the order of ACL CAT; the index is the bit number.
  static let names = [
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
    "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous",
    "connection", "transaction", "scripting",
  ]

  static let keyspace = Categories(rawValue: 1 << 0)
  static let read = Categories(rawValue: 1 << 1)
  static let write = Categories(rawValue: 1 << 2)
  static let hash = Categories(rawValue: 1 << 6)
  static let admin = Categories(rawValue: 1 << 13)
  static let fast = Categories(rawValue: 1 << 14)
  static let slow = Categories(rawValue: 1 << 15)
  static let dangerous = Categories(rawValue: 1 << 17)
  static let connection = Categories(rawValue: 1 << 18)

  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The category named `name`, ignoring case; nil if there is none.
  init?(named name: String) {
    guard let index = Self.names.firstIndex(of: name.lowercased()) else { return nil }
    self.init(rawValue: 1 << UInt32(index))
  }

  /// The names of the categories in the set.
  var names: [String] {
    Self.names.indices.filter { rawValue & 1 << UInt32($0) != 0 }.map { Self.names[$0] }
  }
}
