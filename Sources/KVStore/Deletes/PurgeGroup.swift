import Base
import TxnWAL

/// The oldest range deletes in a partition's file, which are carried out together: each part of the file that any
/// of them covers is walked once, whatever their number, and what is removed of them is one change.
struct PurgeGroup {
  /// The most range deletes of a group.
  static let limit = 1024

  /// Oldest first.
  private let tombstones: [RangeTombstone]
  /// All of them.
  let ranges: RangeRun
  /// Everything that they hide below it is removed; nil at the beginning.
  var position: [UInt8]?

  /// What the file holds of those that came with memtables which are dropped; nil where that is none.
  ///
  /// Others are in the file too, from the last transaction of an apply until its memtable is dropped. They are left:
  /// once they are forgotten, what they hide in that memtable would be seen again.
  ///
  /// - Parameter lsn: how far memtables are dropped: `Partition.applied`.
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

  /// The newest of them.
  var last: RangeTombstone.ID { ranges.origin.last }

  /// Keeps where to go on, with the newest of them: it stands for all up to it.
  func store(_ position: [UInt8], in transaction: inout WriteTransaction) throws(StoreError) {
    guard var last = tombstones.last else { return }
    last.position = position
    try transaction.setTombstone(last)
  }

  /// They are carried out. O(n).
  func remove(from transaction: inout WriteTransaction) throws(StoreError) {
    for tombstone in tombstones { try transaction.removeTombstone(tombstone.id) }
    guard DeliberateBug.finishesRangeDeletesEarly.isOn else { return }
    for next in try transaction.oldestTombstones(limit: 1, upTo: .max) {
      try transaction.removeTombstone(next.id)
    }
  }
}
