import TxnWAL

/// One bounded step of carrying out range deletes: a part of a large one, or several small ones, which
/// then share a sync.
struct PurgeChunk {
  /// Few enough that a writer hardly waits: for the partition's file, and for a sync of the log that meets
  /// that of the chunk.
  static let keyLimit = 2048
  private static let timeLimit = Duration.milliseconds(1)

  let partition: Partition
  /// Oldest first. LMDB has them all.
  let tombstones: [RangeTombstone.ID]
  /// The most keys that it looks at.
  var keyLimit = PurgeChunk.keyLimit

  /// Removes what the next chunk holds of keys older than the range deletes, and returns those that
  /// have come to their end. All of it is durable on return, or nothing.
  func run() throws(StoreError) -> Set<RangeTombstone.ID> {
    var effort = Effort(deadline: MonotonicTime.now + Self.timeLimit, stepLimit: keyLimit)
    var finished: Set<RangeTombstone.ID> = []
    var internalCount = 0
    CrashPoint.reached(.purgeBeforeChunk)
    var transaction = try partition.environment.beginWrite()
    for id in tombstones {
      // The stored position is the newest: the one in memory is as of the beginning.
      if var tombstone = try transaction.tombstone(id) {
        let position = try transaction.withCursor { cursor throws(StoreError) in
          try remove(tombstone, with: &cursor, &effort, &internalCount)
        }
        if let position {
          CrashPoint.reached(.purgeBeforePosition)
          tombstone.position = position
          try transaction.setTombstone(tombstone)
          break
        }
        CrashPoint.reached(.purgeBeforeTombstoneRemoval)
        try transaction.removeTombstone(id)
      }
      finished.insert(id)
      effort.countStep()
      if effort.isSpent { break }
    }
    if internalCount > 0 {
      var state = try transaction.appliedState()
      state.internalEntryCount? -= internalCount
      try transaction.setAppliedState(state)
    }
    CrashPoint.reached(.purgeBeforeCommit)
    try transaction.commit()
    CrashPoint.reached(.purgeAfterCommit)
    return finished
  }

  /// Where to go on, or nil at the end of the range.
  private func remove(
    _ tombstone: RangeTombstone, with cursor: inout Cursor, _ effort: inout Effort,
    _ internalCount: inout Int
  ) throws(StoreError) -> [UInt8]? {
    let start = tombstone.position ?? tombstone.lower
    var isEntry = try cursor.seek(start.rawSpan)
    while isEntry {
      let step = cursor.withEntry { key, stored in judge(key, stored, tombstone, effort) }
      switch step {
      case .end: return nil
      case .pause(let key): return key
      case .keep: break
      case .remove(let isInternal):
        try cursor.deleteCurrent()
        if isInternal { internalCount += 1 }
      }
      effort.countStep()
      isEntry = try cursor.next()
    }
    return nil
  }

  private func judge(
    _ key: RawSpan, _ stored: RawSpan, _ tombstone: RangeTombstone, _ effort: Effort
  ) -> Step {
    if let upper = tombstone.upper, !key.isBefore(upper.rawSpan) { return .end }
    if effort.isSpent { return .pause(Array(copying: key)) }
    // Verified, not just read: a damaged sequence must not decide that a live value goes. What is
    // damaged stays, and is reported to whoever reads it.
    let environment = partition.environment
    let header = try? StoredValue.decode(
      stored, key: key, seed: environment.checksumSeed, file: environment.path)
    guard let header else { return .keep }
    return header.sequence < tombstone.sequence
      ? .remove(isInternal: InternalKey.contains(key)) : .keep
  }

  private enum Step {
    case keep, end
    case remove(isInternal: Bool)
    case pause([UInt8])
  }

  /// What a chunk has cost so far.
  private struct Effort {
    let deadline: Duration
    let stepLimit: Int
    private var stepCount = 0
    private(set) var isSpent = false

    init(deadline: Duration, stepLimit: Int) {
      self.deadline = deadline
      self.stepLimit = stepLimit
    }

    /// The clock is asked now and then only; a chunk has 256 steps at least, so that it gets somewhere.
    mutating func countStep() {
      stepCount += 1
      isSpent =
        isSpent || stepCount >= stepLimit
        || (stepCount % 256 == 0 && MonotonicTime.now > deadline)
    }
  }
}
