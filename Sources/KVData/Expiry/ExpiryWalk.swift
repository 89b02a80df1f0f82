import KVStore
import TxnWAL

/// A walk along the index of expiries, which goes on where it was: what was removed before it is still found
/// in the files for a while, and to pass over all of that for every chunk would cost ever more.
struct ExpiryWalk {
  /// Everything in the index before it has been seen to.
  private var position: [UInt8] = []

  /// At most `limit` keys of the index whose time has come by `now`, the oldest first.
  func next(_ limit: Int, upTo now: UInt64, _ reader: Reader) throws(StoreError) -> [[UInt8]] {
    var range = ExpiryIndex.range(upTo: now)
    if range.lower.lexicographicallyPrecedes(position) { range.lower = position }
    var keys: [[UInt8]] = []
    if range.isEmpty { return keys }
    // One damaged place must not keep all later ones from being removed.
    try reader.scanEntries(stored: range, limit: limit, skipsDamaged: true) { key, _, _ in
      keys.append([UInt8](copying: key))
      return true
    }
    return keys
  }

  /// Goes on behind the last of `keys`, or at `moment` where that is earlier.
  mutating func advance(behind keys: [[UInt8]], butNotBeyond moment: UInt64) {
    guard let last = keys.last, let bound = ExpiryIndex.range(upTo: moment).upper else { return }
    position = last.lexicographicallyPrecedes(bound) ? last : bound
  }

  /// Where the key of the entry stands that a key of the index names.
  static func entryRange(of indexKey: RawSpan) -> Range<Int> {
    ExpiryIndex.parse(indexKey)?.key ?? 0..<0
  }
}
