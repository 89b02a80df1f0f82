import Base
import KVStore

/// A walk along the index of expiries, which goes on where it was: what was removed before it is still found
/// in the files for a while, and to pass over all of that for every chunk would cost ever more.
///
/// Now and then it begins again. An evaluation has one moment from its beginning to its end, and becomes visible later
/// still: it may put something into the index that the walk has passed by then, however long ago.
struct ExpiryWalk {
  /// Everything in the index before it has been seen to.
  private var position: [UInt8] = []
  private let repetition: Duration?
  private var begunAt = MonotonicTime.now

  /// - Parameter repetition: after what time it begins again; nil for never.
  init(repeatingAfter repetition: Duration?) {
    self.repetition = repetition
  }

  /// At most `limit` keys of the index whose time has come by `now`, the oldest first. None is in a partition that takes
  /// no more writes.
  mutating func next(
    _ limit: Int, upTo now: UInt64, _ reader: Reader
  ) throws(StoreError) -> [[UInt8]] {
    if let repetition, MonotonicTime.now - begunAt >= repetition {
      position = []
      begunAt = MonotonicTime.now
    }
    var range = ExpiryIndex.range(upTo: now)
    if range.lower.lexicographicallyPrecedes(position) { range.lower = position }
    if range.isEmpty { return [] }
    return try reader.collectSound(stored: range, limit: limit) { key, _ in [UInt8](copying: key) }
  }

  /// Goes on behind `key`, or at `moment` where that is earlier.
  mutating func advance(behind key: [UInt8], butNotBeyond moment: UInt64?) {
    position = key + [0]
    guard let moment, let bound = ExpiryIndex.range(upTo: moment).upper else { return }
    if bound.lexicographicallyPrecedes(position) { position = bound }
  }

  /// Where the key of the entry stands that a key of the index names.
  static func entryRange(of indexKey: RawSpan) -> Range<Int> {
    ExpiryIndex.parse(indexKey)?.key ?? 0..<0
  }
}
