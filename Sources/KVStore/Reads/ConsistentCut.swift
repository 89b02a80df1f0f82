import Base

extension Keyspace {
  /// Makes `views` current such that together they are one cut over their partitions, and returns its
  /// sequence: the newest published one, or `through` where that is newer.
  ///
  /// The likeliest hole in a store like this: between looking at one partition and at the next, a
  /// memtable may be sealed, or dropped because LMDB has it now. So: layers, LMDB views, then the
  /// sequence; and again from the start if any partition's layers changed meanwhile. Then every LMDB
  /// view holds nothing newer than the sequence, which was read after it was made, and the layers hold
  /// everything between.
  func cut(_ views: [PartitionView], through: SequenceNumber) throws(StoreError) -> SequenceNumber {
    while true {
      for view in views {
        _ = view.refresh()
        _ = try view.lmdb()
        // With `.max` it is the sequencer that reads, inside a lock, and nothing changes meanwhile.
        if through != .max { CrashPoint.reached(.cutBetweenPartitions) }
      }
      let sequence = max(watermarks.published, through)
      if views.allSatisfy({ $0.isCurrent }) || DeliberateBug.takesCutsOnce.isOn { return sequence }
    }
  }
}
