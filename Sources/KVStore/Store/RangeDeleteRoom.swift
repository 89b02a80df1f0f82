import Synchronization

/// What bounds range deletes: how many a batch may have, and how many may wait to be carried out. Only what deletes
/// ranges waits for them.
extension Store {
  /// Refuses a batch of `count` ranges of keys if it is one that can never be carried out. O(1).
  public func checkRangeDeletes(_ count: Int) throws(StoreError) {
    let partitionCount = keyspace.partitions.count
    let limit = Limits.rangeDeletesPerBatch(partitionCount: partitionCount)
    if count > limit { throw .tooManyRangeDeletes(limit: limit) }
  }

  /// Whether more range deletes must wait until some are carried out: observers are told when they are. Those of a
  /// damaged partition do not count. False where to wait is no use, because the store takes no writes or the disk is full.
  /// O(partitions).
  public var hasRangeDeleteBacklog: Bool {
    poisoned == nil && rangeDeletesDiskFull == nil
      && keyspace.partitions.contains(where: \.hasTombstoneBacklog)
  }

  /// Why no range delete is carried out for want of room on the disk, if that is so: LMDB must have it first, and the
  /// purge worker needs a few pages.
  var rangeDeletesDiskFull: StoreError? { applyWorkers.diskFull ?? purgeWorker.shortage.error }

  /// Whether a caller that waits for its range delete may try it again.
  func areRangeDeletesAdmitted() throws(StoreError) -> Bool {
    try checkOpen()
    guard hasRangeDeleteBacklog else { return true }
    if isStopping.load(ordering: .relaxed) { throw .rangeDeletesPending }
    // What is appended must become durable before it can be carried out.
    coordinator.requestSync()
    return false
  }
}
