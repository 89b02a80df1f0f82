import Base

extension PartitionSet {
  /// Makes `views` current so that together they form one cut over their partitions, and returns its
  /// sequence: the newest published one, or `through` if that is newer.
  ///
  /// Between reading one partition and the next, a memtable may be sealed, or dropped because LMDB has it. So
  /// this takes the layers, then the LMDB views, then the sequence, and starts over if any partition's layers
  /// changed meanwhile. In the end each LMDB view holds nothing newer than the sequence, which was read after
  /// the view was opened, and the layers hold everything in between.
  func cut(_ views: [PartitionView], through: SequenceNumber) throws(StoreError) -> SequenceNumber {
    while true {
      for view in views {
        _ = view.refresh()
        _ = try view.lmdb()
        // With `.max` the caller is the sequencer, which holds a lock, and nothing changes meanwhile.
        if through != .max { CrashPoint.reached(.cutBetweenPartitions) }
      }
      let sequence = max(watermarks.published, through)
      if views.allSatisfy({ $0.isCurrent }) || DeliberateBug.takesCutsOnce.isOn { return sequence }
    }
  }
}
