import Base
import TxnWAL

/// The oldest range deletes in a partition's file, which are carried out together: each part of the file that
/// any of them covers is walked once, whatever their number, and all of them are dropped in one change.
struct PurgeGroup {
  /// The most range deletes in a group.
  static let limit = 1024

  /// Oldest first.
  private let tombstones: [RangeTombstone]
  /// Their ranges, merged.
  let ranges: RangeRun
  /// Everything that they hide below this key has been removed; nil at the beginning.
  var position: [UInt8]?

  /// Reads the oldest range deletes in the file whose memtables have been dropped; nil if there are none.
  ///
  /// The file may have others too, from the last transaction of an apply until its memtable is dropped. They
  /// are skipped: once they were removed, what they hide in that memtable would become visible again.
  ///
  /// - Parameter lsn: the position up to which memtables are dropped: `Partition.applied`.
  init?(_ transaction: inout WriteTransaction, upTo lsn: LSN) throws(StoreError) {
    let end = DeliberateBug.carriesOutBeforeDrop.isOn ? .max : lsn.rawValue
    let tombstones = try transaction.oldestTombstones(limit: Self.limit, upTo: end)
    var index = RangeIndex()
    index.insert(tombstones)
    guard let ranges = index.merged() else { return nil }
    self.tombstones = tombstones
    self.ranges = ranges
    position = tombstones.last?.position
  }

  /// The newest range delete of the group.
  var last: RangeTombstone.ID { ranges.origin.last }

  /// Stores the position to continue from in the newest range delete, which stands for all up to it.
  func store(_ position: [UInt8], in transaction: inout WriteTransaction) throws(StoreError) {
    guard var last = tombstones.last else { return }
    last.position = position
    try transaction.setTombstone(last)
  }

  /// Removes the group's range deletes, which have been carried out. O(n).
  func remove(from transaction: inout WriteTransaction) throws(StoreError) {
    for tombstone in tombstones { try transaction.removeTombstone(tombstone.id) }
    guard DeliberateBug.finishesRangeDeletesEarly.isOn else { return }
    for next in try transaction.oldestTombstones(limit: 1, upTo: .max) {
      try transaction.removeTombstone(next.id)
    }
  }
}
