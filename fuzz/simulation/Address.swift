import KVStore

/// Where a script's entry is: nearly always among users' keys, now and then among those that belong to others.
struct Address: Hashable {
  var keyspace = Keyspace.keys
  var key: [UInt8]

  init(_ key: [UInt8], in keyspace: Keyspace = .keys) {
    self.keyspace = keyspace
    self.key = key
  }
}
