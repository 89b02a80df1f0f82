import Base

/// Variants of the transactions' calls that take keys and values in arrays, for the small records.

extension WriteTransaction {
  mutating func put(_ database: Database = .data, _ key: [UInt8], _ value: [UInt8])
    throws(StoreError)
  {
    try key.withBytes { key throws(StoreError) in
      try value.withBytes { value throws(StoreError) in try put(database, key, value) }
    }
  }

  @discardableResult
  mutating func delete(_ database: Database = .data, _ key: [UInt8]) throws(StoreError) -> Bool {
    try key.withBytes { key throws(StoreError) in try delete(database, key) }
  }
}

extension Cursor {
  mutating func seek(_ bound: [UInt8]) throws(StoreError) -> Bool {
    try bound.withBytes { bound throws(StoreError) in try seek(bound) }
  }

  mutating func seekBackward(_ bound: [UInt8]) throws(StoreError) -> Bool {
    try bound.withBytes { bound throws(StoreError) in try seekBackward(bound) }
  }
}
