import KVStore

/// Keys, or fields of maps, that a request has had looked at already. A key can be named a million times in a request, and
/// every look-up of it may verify a value of 64 MiB.
struct SeenKeys {
  /// So many are few: to tell them apart is not worth it.
  static let fewCount = 9

  private var count = 0
  private var hashes: Set<Int> = []

  /// Whether `key` is worth a look that only saves time later. Of two keys with the same hash it says no, too.
  @inline(__always)
  mutating func insert(_ key: RawSpan) -> Bool {
    count &+= 1
    return count <= Self.fewCount || remember(key.hash)
  }

  /// The same for a field of the map at `key`.
  @inline(__always)
  mutating func insert(_ field: RawSpan, of key: RawSpan) -> Bool {
    count &+= 1
    return count <= Self.fewCount || remember(key.hash &* 31 &+ field.hash)
  }

  @inline(never)
  private mutating func remember(_ hash: Int) -> Bool { hashes.insert(hash).inserted }
}

extension Call {
  /// Puts the distinct ones of the arguments from the first on into `keys`, and returns how often each is named.
  mutating func takeDistinctKeys(_ request: RawSpan) -> [Int] {
    keys.removeAll(keepingCapacity: true)
    guard count > SeenKeys.fewCount else {
      for index in 1..<count { keys.append(self[index]) }
      return [Int](repeating: 1, count: keys.count)
    }
    var counts: [Int] = []
    var places: [[UInt8]: Int] = [:]
    for index in 1..<count {
      let key = [UInt8](copying: request.extracting(self[index]))
      if let place = places[key] {
        counts[place] += 1
      } else {
        places[key] = keys.count
        keys.append(self[index])
        counts.append(1)
      }
    }
    return counts
  }
}
