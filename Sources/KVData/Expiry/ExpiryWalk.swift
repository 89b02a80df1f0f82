import Base
import KVStore

/// A walk along the expiry index that remembers its position. Removed index entries remain in the files for a
/// while, and skipping all of them again for every chunk would cost more and more.
///
/// The walk restarts periodically. An evaluation uses one timestamp from start to end and becomes visible even
/// later, so it may add index entries at positions that the walk passed long ago.
struct ExpiryWalk {
  /// Everything in the index before this has been handled.
  private var position: [UInt8] = []
  private let repetition: Duration?
  private var begunAt = MonotonicTime.now

  /// - Parameter repetition: the time after which the walk restarts; nil for never.
  init(repeatingAfter repetition: Duration?) {
    self.repetition = repetition
  }

  /// Up to `limit` index keys whose time has come by `now`, oldest first. Skips read-only partitions.
  mutating func next(
    _ limit: Int, upTo now: UInt64, _ reader: Reader
  ) throws(StoreError) -> [[UInt8]] {
    if let repetition, MonotonicTime.now - begunAt >= repetition {
      position = []
      begunAt = MonotonicTime.now
    }
    var range = ExpiryIndex.range(upTo: now)
    range.lower = position
    if range.isEmpty { return [] }
    return try reader.collectSound(in: .expiries, range, limit: limit) { key, _ in
      [UInt8](copying: key)
    }
  }

  /// Continues after `key`, or at `moment` if that is earlier.
  mutating func advance(behind key: [UInt8], butNotBeyond moment: UInt64?) {
    position = key + [0]
    guard let moment, let bound = ExpiryIndex.range(upTo: moment).upper else { return }
    if bound.lexicographicallyPrecedes(position) { position = bound }
  }

  /// The range of the entry's key within an index key.
  static func entryRange(of indexKey: RawSpan) -> Range<Int> {
    ExpiryIndex.parse(indexKey)?.key ?? 0..<0
  }
}
