import TxnWAL

extension Store {
  // MARK: Blocking

  /// Carries out `batch` as a whole, or not at all, and returns when it is durable (as the durability in
  /// force has it) and visible.
  ///
  /// Waits while memory or log are full. Throws `.preconditionFailed` where a condition does not hold,
  /// `.batchTooLarge`, `.diskFull`, `.poisoned`; after `.poisoned` the outcome is unknown until the
  /// store has been opened again, after all others nothing was changed.
  @discardableResult
  public func commit(_ batch: Batch) throws(StoreError) -> SequenceNumber {
    let receipt = try order(batch)
    try waitUntilDurable(receipt)
    return receipt.sequence
  }

  /// Sets `key` to `value`; a batch of one.
  @discardableResult
  public func put(_ key: [UInt8], _ value: [UInt8]) throws(StoreError) -> SequenceNumber {
    try commit { evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, value.rawSpan)
    }.sequence
  }

  /// Removes `key`. Returns whether it was there.
  @discardableResult
  public func delete(_ key: [UInt8]) throws(StoreError) -> Bool {
    try Limits.check(key: key.rawSpan)
    try makeReader().touch(key.rawSpan)
    return try commit(deleting: key.count) { evaluation throws(StoreError) in
      guard try evaluation.exists(key.rawSpan) else { return false }
      try evaluation.delete(key.rawSpan)
      return true
    }.result
  }

  /// Removes every key in `range`, atomically and at a cost that does not depend on how many there are;
  /// their space is freed in the background.
  @discardableResult
  public func deleteRange(_ range: KeyRange) throws(StoreError) -> SequenceNumber {
    let byteCount = range.lower.count + (range.upper?.count ?? 0)
    return try commit(deleting: byteCount) { evaluation throws(StoreError) in
      try evaluation.deleteRange(range)
    }.sequence
  }

  /// Removes every key that begins with `prefix`, as `deleteRange` does.
  @discardableResult
  public func deletePrefix(_ prefix: [UInt8]) throws(StoreError) -> SequenceNumber {
    try deleteRange(.prefix(prefix))
  }

  // MARK: Suspending

  /// The same as the blocking `commit`, but while the log is synced no thread is held.
  @discardableResult
  public func commit(_ batch: Batch) async throws(StoreError) -> SequenceNumber {
    let receipt = try order(batch)
    do throws(LogError) {
      try await coordinator.acknowledged(LSN(rawValue: receipt.position))
    } catch {
      throw StoreError(error)
    }
    return receipt.sequence
  }

  // MARK: Ordered now, durable later

  /// Runs `body` as the sequencer; what it wrote becomes one atomic batch, visible and durable some
  /// time after the return: see `syncIfIdle`, `requestSync`, `waitUntilDurable`.
  ///
  /// Where `body` throws nothing is written. It must not wait, nor call the store. Admit the bytes
  /// first with `tryAdmit`. An evaluation that wrote nothing gets the receipt of the newest batch that
  /// it could have seen.
  public func evaluate<R>(
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, receipt: Receipt) {
    try evaluate(with: evaluations.reader, body)
  }

  /// The same for who has a reader of his own: the evaluation reads with it, and what he has looked up before is
  /// at hand.
  public func evaluate<R>(
    with reader: Reader, _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, receipt: Receipt) {
    try checkOpen()
    return try coordinator.sequence { sequencer throws(StoreError) in
      if coordinator.isPoisoned, let poisoned { throw poisoned }
      defer { if sequencer.isWritten { evaluations.reader.end() } }
      sequencer.begin()
      evaluations.begin(reader)
      defer { evaluations.end(reader) }
      var evaluation = Evaluation(evaluations, reader, sequencer)
      let result: R
      do throws(StoreError) {
        result = try body(&evaluation)
      } catch {
        sequencer.cancel()
        throw error
      }
      let position = try finish(sequencer, deletesRanges: evaluation.deletesRanges)
      return (result, Receipt(position: position.end.rawValue, sequence: position.sequence))
    }
  }

  private func finish(
    _ sequencer: Sequencer, deletesRanges: Bool
  ) throws(StoreError) -> CommitPosition {
    if sequencer.isEmpty {
      sequencer.cancel()
      return sequencer.lastPosition
    }
    do throws(Refusal) {
      let position = try sequencer.commit()
      upkeep.look(at: position, deletesRanges: deletesRanges)
      if applyWorkers.hasFullDisk || coordinator.isOutOfSegments { upkeep.sendDown() }
      return position
    } catch {
      if let failure = evaluations.preconditions.takeFailure() { throw failure }
      throw .preconditionFailed(index: Int(error.detail))
    }
  }

  /// Whether memory and log have room for a batch of `byteCount` more bytes. Where not, ask again when
  /// an observer was told. Throws `.diskFull` while the disk is full, `.poisoned`, and `.batchTooLarge`
  /// for what can never be admitted.
  ///
  /// - Parameter onlyDeletes: the batch puts nothing. Such a one is admitted on a full disk too, as long as
  ///   what is kept for it lasts: the end of the log's last segment, and some memory over the limit.
  public func tryAdmit(byteCount: Int, onlyDeletes: Bool = false) throws(StoreError) -> Bool {
    try checkOpen()
    // Before anything that would have the caller wait: with a poisoned log no room is ever made.
    if coordinator.isPoisoned, let poisoned { throw poisoned }
    try Limits.check(recordByteCount: byteCount)
    let isDiskFull = applyWorkers.hasFullDisk
    if isDiskFull, !onlyDeletes, let full = applyWorkers.diskFull { throw full }
    let memoryLimit = isDiskFull ? budget.strainedByteCount : budget.byteCount
    // A batch may pass the limit by itself, or none of that size could ever be admitted.
    guard budget.inUse < memoryLimit, !budget.hasTombstoneBacklog else {
      if isDiskFull, let full = applyWorkers.diskFull { throw full }
      return false
    }
    // In this order: what is acknowledged goes on moving, and never past what was appended before.
    let acknowledged = keyspace.watermarks.acknowledged
    let appended = coordinator.appended
    let waiting = appended.rawValue - acknowledged.rawValue
    guard waiting < Self.unsyncedByteLimit else { return false }
    // A range delete stands in every partition's section.
    let recordByteCount =
      onlyDeletes
      ? (byteCount + Self.sectionByteCount) * keyspace.partitions.count
      : byteCount + Self.framingByteCount
    do throws(LogError) {
      return try coordinator.hasRoom(
        for: recordByteCount, appended: appended, usingReserve: onlyDeletes)
    } catch {
      // The log can be written again from its beginning once LMDB has what stands there, which may have
      // room in its own free pages.
      if error.isDiskFull { coordinator.sequence { _ in upkeep.sendDown() } }
      throw StoreError(error)
    }
  }

  /// Returns once there is room as `tryAdmit` has it.
  public func admit(byteCount: Int, onlyDeletes: Bool = false) throws(StoreError) {
    try room.wait { () throws(StoreError) in
      if try tryAdmit(byteCount: byteCount, onlyDeletes: onlyDeletes) { return true }
      // Nobody else may be syncing what stands in the way.
      coordinator.requestSync()
      return false
    }
  }

  /// Writes, syncs and publishes all that is buffered on the calling thread. False if another thread is
  /// at it: then what is buffered follows on the log writer's thread, and observers are told.
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

  /// What may be in the log's buffer before writers wait.
  private static let unsyncedByteLimit: UInt64 = 32 << 20
  /// Room for record headers and sections beside a batch's own bytes.
  private static let framingByteCount = 64 << 10
  private static let sectionByteCount = 128

  private func order(_ batch: Batch) throws(StoreError) -> Receipt {
    // Before log is made ready for it.
    try Limits.check(contentByteCount: batch.contentByteCount, recordByteCount: batch.byteCount)
    try admit(byteCount: batch.byteCount, onlyDeletes: batch.onlyDeletes)
    do throws(StoreError) {
      return try evaluate { evaluation throws(StoreError) in try evaluation.add(batch) }.receipt
    } catch .preconditionFailed(let index) {
      // What made it fail may not be durable yet, and must be before anybody is told of it.
      try waitUntilDurable(try evaluate { _ in }.receipt)
      throw .preconditionFailed(index: index)
    } catch {
      throw error
    }
  }

  private func commit<R>(
    deleting byteCount: Int? = nil,
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, sequence: SequenceNumber) {
    try admit(byteCount: byteCount ?? 0, onlyDeletes: byteCount != nil)
    let (result, receipt) = try evaluate(body)
    try waitUntilDurable(receipt)
    return (result, receipt.sequence)
  }
}
