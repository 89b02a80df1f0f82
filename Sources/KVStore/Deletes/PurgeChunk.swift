import TxnWAL

/// One bounded step of carrying out a range delete.
struct PurgeChunk {
  /// Few enough that a writer of the same partition hardly waits, and that the pages of one LMDB
  /// transaction stay small in memory.
  private static let keyLimit = 8192
  private static let timeLimit = Duration.milliseconds(5)

  let partition: Partition
  let sequence: SequenceNumber

  /// Removes what the next chunk holds of keys older than the range delete; true if that was the last.
  /// All of it is durable on return, or nothing.
  func run() throws(StoreError) -> Bool {
    var transaction = try partition.environment.beginWrite()
    guard var tombstone = try transaction.tombstone(sequence) else { return true }
    let position = try transaction.withCursor { cursor throws(StoreError) in
      try remove(tombstone, with: &cursor)
    }
    if let position {
      tombstone.position = position
      try transaction.setTombstone(tombstone)
    } else {
      try transaction.removeTombstone(sequence)
    }
    try transaction.commit()
    return position == nil
  }

  /// Where to go on, or nil at the end of the range.
  private func remove(
    _ tombstone: RangeTombstone, with cursor: inout Cursor
  ) throws(StoreError) -> [UInt8]? {
    let environment = partition.environment
    let deadline = ContinuousClock.now + Self.timeLimit
    var count = 0
    let start = tombstone.position ?? tombstone.lower
    var isEntry = try cursor.seek(start.rawSpan)
    while isEntry {
      let step = try cursor.withEntry { key, stored throws(StoreError) -> Step in
        if let upper = tombstone.upper, !key.isBefore(upper.rawSpan) { return .end }
        let isPauseDue =
          count >= Self.keyLimit || (count % 256 == 255 && ContinuousClock.now > deadline)
        if isPauseDue { return .pause(Array(copying: key)) }
        // Verified, not just read: a damaged sequence must not decide that a live value goes.
        let header = try StoredValue.decode(
          stored, key: key, seed: environment.checksumSeed, file: environment.path)
        return header.sequence < tombstone.sequence ? .remove : .keep
      }
      switch step {
      case .end: return nil
      case .pause(let key): return key
      case .keep: break
      case .remove: try cursor.deleteCurrent()
      }
      count += 1
      isEntry = try cursor.next()
    }
    return nil
  }

  private enum Step {
    case keep, remove, end
    case pause([UInt8])
  }
}
