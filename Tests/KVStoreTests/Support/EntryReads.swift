import Base

@testable import KVStore

/// An entry with all that it says.
struct Entry: Equatable {
  var value: [UInt8]
  var type: UInt8 = 0
  var expiry: UInt64 = 0
}

extension Entry {
  init?(_ info: EntryInfo?, _ value: RawSpan) {
    guard let info else { return nil }
    self.init(value: Array(copying: value), type: info.type, expiry: info.expiry)
  }
}

extension Reader {
  func entry(_ key: [UInt8], through: SequenceNumber = 0) throws(StoreError) -> Entry? {
    try withEntry(of: key.rawSpan, through: through) { Entry($0, $1) }
  }

  func entryInCut(_ key: [UInt8]) throws(StoreError) -> Entry? {
    try withCut(of: key.rawSpan) { cut throws(StoreError) in
      try cut.withEntry(of: key.rawSpan) { Entry($0, $1) }
    }
  }

  func entries(_ keys: [[UInt8]]) throws(StoreError) -> [Entry?] {
    var joined: [UInt8] = []
    var places: [Range<Int>] = []
    for key in keys {
      places.append(joined.count..<joined.count + key.count)
      joined += key
    }
    var found: [Entry?] = []
    try withEntries(of: places, in: joined.rawSpan) { _, info, value in
      found.append(Entry(info, value))
    }
    return found
  }

  func entries(in range: KeyRange, of keyspace: Keyspace) throws(StoreError) -> [[UInt8]: Entry] {
    var found: [[UInt8]: Entry] = [:]
    try scan(
      range, in: keyspace, reverse: false, limit: .max, through: 0, hiding: expiry
    ) { key, info, value in
      found[Array(copying: key)] = Entry(info, value)
      return true
    }
    return found
  }

  func entries(in range: KeyRange, reverse: Bool = false) throws(StoreError) -> [[UInt8]: Entry] {
    var found: [[UInt8]: Entry] = [:]
    try scanEntries(range, reverse: reverse) { key, info, value in
      found[Array(copying: key)] = Entry(info, value)
      return true
    }
    return found
  }
}

extension Store {
  func entry(_ key: [UInt8], in keyspace: Keyspace) throws(StoreError) -> Entry? {
    let reader = makeReader()
    defer { reader.close() }
    return try reader.withEntry(of: key.rawSpan, in: keyspace) { Entry($0, $1) }
  }

  func put(_ key: [UInt8], _ value: [UInt8], in keyspace: Keyspace) throws(StoreError) {
    var batch = Batch()
    try batch.putEntry(key, value, in: keyspace)
    try commit(batch)
  }

  func partition(of key: [UInt8]) -> Int {
    partitionSet.partition(of: EntryAddress(.keys, key.rawSpan))
  }
}

extension Snapshot {
  func entry(_ key: [UInt8]) throws(StoreError) -> Entry? {
    try withEntry(of: key.rawSpan) { Entry($0, $1) }
  }
}

extension Evaluation {
  mutating func entry(_ key: [UInt8]) throws(StoreError) -> Entry? {
    try withEntry(of: key.rawSpan) { Entry($0, $1) }
  }

  mutating func storedEntry(_ key: [UInt8]) throws(StoreError) -> Entry? {
    try withStoredEntry(of: key.rawSpan) { Entry($0, $1) }
  }

  mutating func put(
    _ key: [UInt8], _ entry: Entry, replacing old: UInt64 = 0
  ) throws(StoreError) {
    try put(
      key.rawSpan, entry.value.rawSpan, type: entry.type, expiry: entry.expiry, replacing: old)
  }

  mutating func entries(
    in range: KeyRange, of keyspace: Keyspace, inPartitionOf key: [UInt8]
  ) throws(StoreError) -> [[UInt8]: Entry] {
    var found: [[UInt8]: Entry] = [:]
    try scanEntries(range, in: keyspace, ofPartitionOf: key.rawSpan) { key, info, value in
      found[Array(copying: key)] = Entry(info, value)
      return true
    }
    return found
  }

  mutating func entries(in range: KeyRange) throws(StoreError) -> [[UInt8]: Entry] {
    var found: [[UInt8]: Entry] = [:]
    try scanEntries(range) { key, info, value in
      found[Array(copying: key)] = Entry(info, value)
      return true
    }
    return found
  }
}

extension Store {
  func entry(_ key: [UInt8]) throws(StoreError) -> Entry? {
    let reader = makeReader()
    defer { reader.close() }
    return try reader.entry(key)
  }

  func put(_ key: [UInt8], _ entry: Entry) throws(StoreError) {
    var batch = Batch()
    try batch.put(key, entry.value, type: entry.type, expiry: entry.expiry)
    try commit(batch)
  }

  /// Runs `body` as a batch of its own, durable on return.
  @discardableResult
  func evaluateDurably<R>(
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try admit(byteCount: 0)
    let (result, receipt) = try evaluate(body)
    try waitUntilDurable(receipt)
    return result
  }

  /// The times and keys in the index of expiries.
  func expiryIndex() throws(StoreError) -> [String] {
    try scan(ExpiryIndex.range(upTo: .max), in: .expiries).compactMap { key, _ in
      ExpiryIndex.parse(key.rawSpan).map { expiry, place in
        "\(expiry) \(String(decoding: key[place], as: UTF8.self))"
      }
    }
  }
}

/// A key of `Keyspace.owned` that begins with `slot`, an owner made of `fill`, and `rest`.
func ownedKey(slot: Int, fill: UInt8 = 3, _ rest: [UInt8] = []) -> [UInt8] {
  [UInt8(slot >> 8), UInt8(slot & 0xFF)] + [UInt8](repeating: fill, count: 12) + rest
}
