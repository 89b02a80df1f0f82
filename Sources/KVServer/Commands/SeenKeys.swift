import KVStore

/// Keys of one request that were looked at already. A key can be named a million times in a request, and every look-up
/// of it may verify a value of 64 MiB.
struct SeenKeys {
  /// A request of no more arguments has few keys: to tell them apart is not worth it.
  static let fewCount = 9

  private var hashes: Set<Int> = []
  private let areFew: Bool

  /// - Parameter count: how many arguments the request has.
  init(count: Int) { areFew = count <= Self.fewCount }

  /// Whether `key` is worth a look that only saves time later. Of two keys with the same hash it says no, too.
  mutating func insert(_ key: RawSpan) -> Bool { areFew || hashes.insert(key.hash).inserted }
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
