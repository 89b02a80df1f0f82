import Base
import KVStore

/// Keys, or fields of maps, that a request has had looked at already, so that an evaluation finds them in memory. A key can
/// be named a million times in a request, and every look-up of it may verify a value of 64 MiB: each is looked up once,
/// and all of them together cost `byteLimit` at most. The evaluation looks the rest up by itself.
struct SeenKeys {
  /// So many are few: to tell them apart is not worth it.
  static let fewCount = 9
  /// What look-ups may cost, in bytes of values verified: some milliseconds. The one that passes it is finished.
  static let byteLimit = 4 << 20
  /// What a look-up costs beside its value, and what it costs to find that it is not needed.
  private static let lookupByteCount = 1024
  private static let repeatedByteCount = 64

  /// What look-ups have cost.
  private var byteCount = 0
  private var hashes: Set<Int> = []

  /// Whether `key` is worth a look that only saves time later. Of two keys with the same hash it says no, too.
  @inline(__always)
  mutating func insert(_ key: RawSpan) -> Bool {
    byteCount &+= Self.lookupByteCount
    return byteCount <= Self.fewCount &* Self.lookupByteCount || remember(key.hash)
  }

  /// The same for a field of the map at `key`.
  @inline(__always)
  mutating func insert(_ field: RawSpan, of key: RawSpan) -> Bool {
    byteCount &+= Self.lookupByteCount
    return byteCount <= Self.fewCount &* Self.lookupByteCount
      || remember(key.hash &* 31 &+ field.hash)
  }

  @inline(never)
  private mutating func remember(_ hash: Int) -> Bool {
    guard !isSpent else { return false }
    guard hashes.insert(hash).inserted else {
      byteCount -= Self.lookupByteCount - Self.repeatedByteCount
      return false
    }
    return true
  }

  /// A look-up that was worth it has read a value of so many bytes.
  @inline(__always)
  mutating func didRead(_ valueByteCount: Int) { byteCount &+= valueByteCount }

  /// Nothing more is worth a look.
  var isSpent: Bool { byteCount > Self.byteLimit }

  /// What values may have that are read now.
  var bytesLeft: Int { max(0, Self.byteLimit - byteCount) }

  /// A look-up has failed, and may have read any number of bytes.
  mutating func spendAll() { byteCount = Self.byteLimit + 1 }
}

extension Call {
  /// Puts the distinct ones of the arguments from the first on into `keys`, and returns how often each is named. A few
  /// are not compared: to look one up twice costs less.
  mutating func takeDistinctKeys(_ request: RawSpan) -> [Int] {
    keys.removeAll(keepingCapacity: true)
    guard count > SeenKeys.fewCount else {
      for index in 1..<count { keys.append(self[index]) }
      return [Int](repeating: 1, count: keys.count)
    }
    return takeDistinctKeys(arguments[1...], request)
  }

  /// The same of `names`, however few they are, in the order in which each comes first.
  mutating func takeDistinctKeys(_ names: ArraySlice<Range<Int>>, _ request: RawSpan) -> [Int] {
    keys.removeAll(keepingCapacity: true)
    var counts: [Int] = []
    var places: [[UInt8]: Int] = [:]
    for name in names {
      let key = [UInt8](copying: request.extracting(name))
      if let place = places[key] {
        counts[place] += 1
      } else {
        places[key] = keys.count
        keys.append(name)
        counts.append(1)
      }
    }
    return counts
  }
}
