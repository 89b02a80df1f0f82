import Synchronization

/// The limits of range deletes: how many a batch may have, and how many may wait to be carried out. Only
/// callers that delete ranges wait for them.
extension Store {
  /// Rejects a batch that deletes `count` ranges of keys if it can never be carried out. O(1).
  public func checkRangeDeletes(_ count: Int) throws(StoreError) {
    let partitionCount = partitionSet.partitions.count
    let limit = Limits.rangeDeletesPerBatch(partitionCount: partitionCount)
    if count > limit { throw .tooManyRangeDeletes(limit: limit) }
  }

  /// Whether further range deletes must wait until some are carried out; observers are notified when they
  /// are. Those of a damaged partition do not count. False if waiting is no use, because the store takes no
  /// writes or the disk is full. O(partitions).
  public var hasRangeDeleteBacklog: Bool {
    poisoned == nil && rangeDeletesDiskFull == nil
      && partitionSet.partitions.contains(where: \.hasTombstoneBacklog)
  }

  /// The error if lack of disk space keeps range deletes from being carried out. They have to be applied to
  /// LMDB first, and the purge worker needs a few pages.
  var rangeDeletesDiskFull: StoreError? { applyWorkers.diskFull ?? purgeWorker.shortage.error }

  /// Whether a caller that waits for its range delete may try again.
  func areRangeDeletesAdmitted() throws(StoreError) -> Bool {
    try checkOpen()
    guard hasRangeDeleteBacklog else { return true }
    if isStopping.load(ordering: .relaxed) { throw .rangeDeletesPending }
    // What is appended must become durable before it can be carried out.
    coordinator.requestSync()
    return false
  }
}
