import Base
import TxnWAL

/// One bounded step of carrying out a group of range deletes.
struct PurgeChunk {
  /// Small enough that a writer hardly waits for the partition's file, or for a log sync that coincides with
  /// the sync of the chunk.
  static let keyLimit = 2048
  private static let timeLimit = Duration.milliseconds(1)

  let partition: Partition
  /// The most keys that the chunk visits.
  var keyLimit = PurgeChunk.keyLimit

  enum Outcome {
    /// There is nothing to carry out.
    case nothing
    /// The group's position has advanced.
    case paused(PurgeGroup)
    /// All range deletes up to this one have been carried out.
    case finished(RangeTombstone.ID)
  }

  /// Removes the next chunk of the keys that the group hides, and the group itself once its end is reached.
  /// The chunk is made durable as a whole, or not at all.
  ///
  /// - Parameter underWay: the group as its last chunk left it; nil starts the next group, or resumes the one
  ///   that a crash interrupted.
  func run(_ underWay: PurgeGroup?) throws(StoreError) -> Outcome {
    CrashPoint.reached(.purgeBeforeChunk)
    var transaction = try partition.environment.beginWrite()
    var next = underWay
    if next == nil { next = try PurgeGroup(&transaction, upTo: partition.applied) }
    guard var group = next else { return .nothing }
    var effort = Effort(deadline: MonotonicTime.now + Self.timeLimit, keyLimit: keyLimit)
    var otherCount = 0
    var orphans: [(orphan: Orphan, sequence: SequenceNumber)] = []
    group.position = try transaction.withCursor { cursor throws(StoreError) in
      try remove(group, with: &cursor, &effort, &otherCount, &orphans)
    }
    if let position = group.position {
      CrashPoint.reached(.purgeBeforePosition)
      try group.store(position, in: &transaction)
    } else {
      CrashPoint.reached(.purgeBeforeTombstoneRemoval)
      try group.remove(from: &transaction)
    }
    if !orphans.isEmpty { otherCount -= try transaction.add(orphans) }
    if otherCount != 0 {
      var state = try transaction.appliedState()
      state.otherEntryCount -= otherCount
      try transaction.setAppliedState(state)
    }
    CrashPoint.reached(.purgeBeforeCommit)
    try transaction.commit()
    if !orphans.isEmpty { partition.presence.noteOrphan() }
    CrashPoint.reached(.purgeAfterCommit)
    return group.position == nil ? .finished(group.last) : .paused(group)
  }

  /// Returns where to continue, or nil at the end of the group. O(log n) for each fragment of its ranges,
  /// O(1) for each key.
  private func remove(
    _ group: PurgeGroup, with cursor: inout Cursor, _ effort: inout Effort,
    _ otherCount: inout Int, _ orphans: inout [(orphan: Orphan, sequence: SequenceNumber)]
  ) throws(StoreError) -> [UInt8]? {
    let ranges = group.ranges
    let start = group.position ?? []
    for place in ranges.bounds.indices.dropLast() where ranges.newest[place] != 0 {
      let upper = ranges.bounds[place + 1]
      if !start.isBefore(upper) { continue }
      let lower = ranges.bounds[place]
      let first = lower.isBefore(start) ? start : lower
      if effort.isSpent { return first }
      let fragment = Fragment(upper: upper, sequence: ranges.newest[place])
      var isEntry = try cursor.seek(first.rawSpan)
      walk: while isEntry {
        let (step, byteCount) = cursor.withEntry { key, stored in
          (judge(key, stored, fragment, effort), stored.byteCount)
        }
        switch step {
        case .end: break walk
        case .pause(let key): return key
        case .keep: break
        case .remove(let isUsers, let orphan):
          try cursor.deleteCurrent()
          if !isUsers { otherCount += 1 }
          if let orphan { orphans.append(orphan) }
        }
        effort.countKey(byteCount: byteCount)
        isEntry = try cursor.next()
      }
      effort.countKey(byteCount: 0)
    }
    return nil
  }

  /// A part of the file, and what is removed from it.
  private struct Fragment {
    let upper: [UInt8]
    /// Everything older than this is removed.
    let sequence: SequenceNumber
  }

  private func judge(
    _ storedKey: RawSpan, _ stored: RawSpan, _ fragment: Fragment, _ effort: Effort
  ) -> Step {
    if !storedKey.isBefore(fragment.upper.rawSpan) { return .end }
    if effort.isSpent { return .pause(Array(copying: storedKey)) }
    let address = EntryAddress(storedAs: storedKey)
    // Verified, not just read: a damaged sequence must not decide that a live value is removed. A damaged
    // entry stays, and is reported to the caller that reads it.
    let environment = partition.environment
    let header = try? StoredValue.decode(
      stored, at: address, seed: environment.checksumSeed, file: environment.path)
    guard let header else { return .keep }
    guard header.sequence < fragment.sequence else { return .keep }
    // No version exists that is newer than this one and older than the range delete: LMDB has all of the log before
    // the newest range delete here, and no owner whose successor was left out. So the range delete removed this owner.
    let orphan =
      header.type == 0 || address.keyspace != .keys
        || header.sequence
          < Orphan.newestFullDeleteSequence(in: partition.layers, at: fragment.sequence)
      ? nil
      : Orphan(
        ownerKey: address.key, type: header.type,
        value: stored.extracting(droppingFirst: StoredValue.headerByteCount))
    return .remove(
      isUsers: address.keyspace == .keys, orphan: orphan.map { ($0, header.sequence) })
  }

  private enum Step {
    case keep, end
    case remove(isUsers: Bool, orphan: (orphan: Orphan, sequence: SequenceNumber)?)
    case pause([UInt8])
  }

  /// The cost of a chunk so far.
  private struct Effort {
    private static let stepsBetweenQuestions = 256

    let deadline: Duration
    private var keysLeft: Int
    private var stepsLeft = stepsBetweenQuestions
    private(set) var isSpent = false

    init(deadline: Duration, keyLimit: Int) {
      self.deadline = deadline
      keysLeft = keyLimit
    }

    /// Every value is verified, so a large one counts as several steps, as in `ScanBudget`. The clock is read only once
    /// per `stepsBetweenQuestions` steps. A chunk visits at least one key, so that it makes progress.
    mutating func countKey(byteCount: Int) {
      keysLeft -= 1
      stepsLeft -= ScanBudget.steps(forByteCount: byteCount)
      if keysLeft <= 0 { isSpent = true }
      guard stepsLeft <= 0 else { return }
      stepsLeft = Self.stepsBetweenQuestions
      if MonotonicTime.now > deadline { isSpent = true }
    }
  }
}
