import Base
import KVStore

/// The keys, or fields of maps, that a request has prefetched, so that its evaluation finds them in memory. A
/// request can name a key a million times, and every lookup of it may verify a value of 64 MiB. So each key is
/// prefetched once, and all prefetches together cost at most `byteLimit`. The evaluation looks up the rest
/// itself.
struct PrefetchBudget {
  /// This many keys are not checked for duplicates, because that would cost more than it saves.
  static let fewCount = 9
  /// The budget of lookups, in bytes of values verified: a few milliseconds. The lookup that exceeds it is
  /// finished.
  static let byteLimit = 4 << 20
  /// The cost of a lookup besides its value, and the cost of finding a duplicate.
  private static let lookupByteCount = 1024
  private static let repeatedByteCount = 64

  /// What lookups have cost.
  private var byteCount = 0
  private var hashes: Set<Int> = []

  /// Whether `key` should be prefetched. A key with the same hash as an earlier one is taken for a duplicate.
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

  /// Charges the budget for a value of `valueByteCount` bytes that was read.
  @inline(__always)
  mutating func didRead(_ valueByteCount: Int) { byteCount &+= valueByteCount }

  /// The budget is spent: nothing more is prefetched.
  var isSpent: Bool { byteCount > Self.byteLimit }

  /// How many bytes of values may still be read.
  var bytesLeft: Int { max(0, Self.byteLimit - byteCount) }

  /// Spends the whole budget after a failed lookup, which may have read any number of bytes.
  mutating func spendAll() { byteCount = Self.byteLimit + 1 }
}

extension Call {
  /// Puts the distinct arguments after the name into `keys`, and returns how often each is named. If there are
  /// few, they are not compared, because looking one up twice costs less.
  mutating func collectDistinctKeys(_ request: RawSpan) -> [Int] {
    keys.removeAll(keepingCapacity: true)
    guard count > PrefetchBudget.fewCount else {
      for index in 1..<count { keys.append(self[index]) }
      return [Int](repeating: 1, count: keys.count)
    }
    return collectDistinctKeys(arguments[1...], request)
  }

  /// The same for `names`, compared however few there are, in the order of their first occurrence.
  mutating func collectDistinctKeys(_ names: ArraySlice<Range<Int>>, _ request: RawSpan) -> [Int] {
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
