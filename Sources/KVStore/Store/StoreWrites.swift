import Base
import TxnWAL

extension Store {
  // MARK: Blocking

  /// Commits `batch` as a whole, or not at all. Returns when it is durable, as the store's durability defines
  /// it, and visible.
  ///
  /// Blocks the calling thread while memory or the log is full. Throws `.preconditionFailed` if a condition
  /// does not hold, `.batchTooLarge`, `.tooManyRangeDeletes`, `.diskFull`, `.poisoned`, and `.wrongType` if
  /// it replaces or removes an entry with a type that owns others, and the layer that wrote it is not
  /// attached. After `.poisoned` the outcome is unknown until the store has been
  /// opened again; after any other error nothing was changed.
  @discardableResult
  public func commit(_ batch: Batch) throws(StoreError) -> SequenceNumber {
    // Before the log prepares room for it.
    try Limits.check(batchByteCount: batch.chargedByteCount)
    try checkRangeDeletes(batch.rangeDeleteCount)
    return try commit(byteCount: byteCount(of: batch), onlyDeletes: batch.onlyDeletes) {
      evaluation throws(StoreError) in try evaluation.add(batch)
    }.sequence
  }

  /// Sets `key` to `value`, as a batch of one.
  @discardableResult
  public func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) -> SequenceNumber {
    try Limits.check(key: key.rawSpan)
    try Limits.check(value: value.rawSpan)
    let related = try touchRelated(to: key)
    return try commit(byteCount: key.count + value.count + related) {
      evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, value.rawSpan)
    }.sequence
  }

  /// Removes `key`. Returns whether it was there.
  @discardableResult
  public func delete(_ key: [UInt8]) throws(StoreError) -> Bool {
    try Limits.check(key: key.rawSpan)
    try makeReader().touch(key.rawSpan)
    let related = try touchRelated(to: key)
    return try commit(byteCount: key.count + related, onlyDeletes: true) {
      evaluation throws(StoreError) in
      guard try evaluation.exists(key.rawSpan) else { return false }
      try evaluation.delete(key.rawSpan)
      return true
    }.result
  }

  /// Removes every key in `range`, atomically, at a cost that does not depend on how many there are. Their
  /// space is freed in the background.
  @discardableResult
  public func deleteRange(_ range: KeyRange) throws(StoreError) -> SequenceNumber {
    let byteCount = range.lower.count + (range.upper?.count ?? 0)
    return try commit(byteCount: byteCount, onlyDeletes: true) { evaluation throws(StoreError) in
      try evaluation.deleteRange(range)
    }.sequence
  }

  /// Removes every key that begins with `prefix`, as `deleteRange` does.
  @discardableResult
  public func deletePrefix(_ prefix: [UInt8]) throws(StoreError) -> SequenceNumber {
    try deleteRange(.prefix(prefix))
  }

  // MARK: Suspending

  /// The same as the blocking `commit`, but never blocks a thread that runs tasks: neither while it waits for
  /// room or for a sync of the log, nor while other threads are the sequencer or what the batch reads comes
  /// from the disk.
  ///
  /// If the task is cancelled before the batch is evaluated, `.cancelled` is thrown and nothing was changed.
  /// Once the batch is ordered it cannot be taken back: this then waits until it is durable, even if the task
  /// is cancelled.
  @discardableResult
  public func commit(_ batch: Batch) async throws(StoreError) -> SequenceNumber {
    try Limits.check(batchByteCount: batch.chargedByteCount)
    try checkRangeDeletes(batch.rangeDeleteCount)
    var (byteCount, isMeasured) = (batch.byteCount, false)
    if mayHoldOwners { byteCount = try await lookedUpByteCount(of: batch) }
    while true {
      try await admit(
        byteCount: byteCount, onlyDeletes: batch.onlyDeletes, isMeasured: isMeasured)
      do throws(StoreError) {
        let receipt = try await commitThread.run { () throws(StoreError) in
          try self.evaluate(onlyDeletes: batch.onlyDeletes) {
            evaluation throws(StoreError) in try evaluation.add(batch)
          }.receipt
        }
        try await acknowledged(receipt)
        return receipt.sequence
      } catch .noRoom(let needed) {
        (byteCount, isMeasured) = (needed, true)
      } catch .rangeDeletesPending {
        try await room.waitSuspended { () throws(StoreError) in try areRangeDeletesAdmitted() }
      } catch {
        // What the error reveals may not be durable yet.
        if error.mayRevealReads {
          try await acknowledged(
            commitThread.run { () throws(StoreError) in self.newestReceipt })
        }
        throw error
      }
    }
  }

  /// Returns once the batch of `receipt` may be acknowledged, without blocking a thread.
  private func acknowledged(_ receipt: Receipt) async throws(StoreError) {
    do throws(LogError) {
      try await coordinator.acknowledged(LSN(rawValue: receipt.position))
    } catch {
      throw StoreError(error)
    }
  }

  // MARK: Durability of ordered batches

  /// Writes, syncs and publishes everything buffered, on the calling thread. Returns false if another thread
  /// is doing so: the log writer's thread then does the rest, and observers are notified.
  @discardableResult
  public func syncIfIdle() throws(StoreError) -> Bool {
    try translatingLogErrors { () throws(LogError) in try coordinator.syncIfIdle() }
  }

  /// The same on the log writer's thread; returns at once.
  public func requestSync() {
    coordinator.requestSync()
  }

  /// Returns once the batch of `receipt` may be acknowledged.
  public func waitUntilDurable(_ receipt: Receipt) throws(StoreError) {
    try translatingLogErrors { () throws(LogError) in
      try coordinator.waitUntilAcknowledged(LSN(rawValue: receipt.position))
    }
  }

  /// About how many bytes are written for `batch`. Brings into memory what the batch will read.
  private func byteCount(of batch: Batch) throws(StoreError) -> Int {
    var lookups = RelatedLookups()
    try touchRelated(to: batch, &lookups, isSlice: false)
    return byteCount(of: batch, lookups)
  }

  /// The same on the commit thread, in slices, so that batches of other tasks come in between. Closing the
  /// store waits for at most one slice.
  private func lookedUpByteCount(of batch: Batch) async throws(StoreError) -> Int {
    var lookups = RelatedLookups()
    while true {
      let before = lookups
      lookups = try await commitThread.run { () throws(StoreError) in
        try self.checkOpen()
        var lookups = before
        try self.touchRelated(to: batch, &lookups, isSlice: true)
        return lookups
      }
      if lookups.isDone { return byteCount(of: batch, lookups) }
      if Task.isCancelled { throw .cancelled }
    }
  }

  private func byteCount(of batch: Batch, _ lookups: RelatedLookups) -> Int {
    lookups.byteCount == 0
      ? batch.byteCount
      : max(batch.byteCount, min(batch.byteCount + lookups.byteCount, Limits.batchByteCount))
  }

  private func commit<R>(
    byteCount: Int, onlyDeletes: Bool = false,
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, sequence: SequenceNumber) {
    let (result, receipt) = try admitAndEvaluate(
      byteCount: byteCount, onlyDeletes: onlyDeletes, body)
    try waitUntilDurable(receipt)
    return (result, receipt.sequence)
  }
}
