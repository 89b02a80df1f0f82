import TxnWAL

/// Batches that are ordered at once, and become visible and durable some time later.
extension Store {
  /// Runs `body` as the sequencer. What it writes becomes one atomic batch, visible and durable some time
  /// after the return: see `syncIfIdle`, `requestSync`, `waitUntilDurable`.
  ///
  /// If `body` throws, nothing is written. The same is true if a change of several writes, such as a range
  /// delete or the removal of what an entry owns, has stopped half-way: its error is thrown even if `body` has
  /// caught it. (An error that has changed nothing may be caught.) `body` must not wait, nor write to the
  /// store, sync it or wait for it: that traps. What it throws may reveal batches that are not durable yet;
  /// all of these come before `newestReceipt`. An evaluation that wrote nothing gets the receipt of the
  /// newest batch that it could have seen.
  ///
  /// First admit about what it is going to write, with `tryAdmit`. What it has actually written is measured
  /// before it is committed. If there is no room for that, nothing is written, and `.noRoom` says how much to
  /// admit before `body` is run again; `.diskFull` says that there will be none for the time being. If it
  /// deletes a range while too many are still to be carried out, `.rangeDeletesPending` is thrown.
  ///
  /// - Parameter onlyDeletes: as for `tryAdmit`.
  public func evaluate<R>(
    onlyDeletes: Bool = false, _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, receipt: Receipt) {
    try evaluate(with: evaluations.reader, onlyDeletes: onlyDeletes, body)
  }

  /// The same for a caller with a reader of its own: the evaluation reads with it, and what the caller has
  /// looked up before is at hand.
  public func evaluate<R>(
    with reader: Reader, onlyDeletes: Bool = false,
    _ body: (inout Evaluation) throws(StoreError) -> R
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
        if evaluation.hasFailed { throw evaluation.takeFailure() }
      } catch {
        sequencer = evaluation.end()
        sequencer.cancel()
        // On a full disk none is carried out, and no caller should wait for it.
        if case .rangeDeletesPending = error, let full = rangeDeletesDiskFull { throw full }
        throw error
      }
      if evaluation.deletesRanges { evaluation.appendRangeDeletes() }
      let deletesRanges = evaluation.deletesRanges
      let memoryByteCount = evaluation.chargedByteCount
      sequencer = evaluation.end()
      let position = try finish(
        &sequencer, deletesRanges: deletesRanges, memoryByteCount: memoryByteCount,
        onlyDeletes: onlyDeletes)
      return (result, Receipt(position: position.end.rawValue, sequence: position.sequence))
    }
  }

  /// Waits for room and evaluates, as often as it takes until there is room for what `body` writes. Blocks
  /// the calling thread, but never while it is the sequencer.
  ///
  /// What `body` throws is thrown once everything that it may have read is durable.
  ///
  /// - Parameter isWanted: called now and then while there is no room; false ends the wait, with
  ///   `.cancelled`.
  public func admitAndEvaluate<R>(
    byteCount: Int, onlyDeletes: Bool = false, isWanted: () -> Bool = { true },
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, receipt: Receipt) {
    try admit(byteCount: byteCount, onlyDeletes: onlyDeletes, isWanted: isWanted)
    while true {
      do throws(StoreError) {
        return try evaluate(onlyDeletes: onlyDeletes, body)
      } catch .noRoom(let needed) {
        try admit(
          byteCount: needed, onlyDeletes: onlyDeletes, isMeasured: true, isWanted: isWanted)
      } catch .rangeDeletesPending {
        try room.wait { () throws(StoreError) in
          if try areRangeDeletesAdmitted() { return true }
          guard isWanted() else { throw .cancelled }
          return false
        }
      } catch {
        if error.mayRevealReads { try waitUntilDurable(newestReceipt) }
        throw error
      }
    }
  }

  /// Traps inside an evaluation of this store. For callers that wait for a thread which may be waiting for
  /// the evaluation to end.
  package func requireOutsideEvaluation() { coordinator.requireOutsideSequence() }

  /// The newest batch in the order. Once it is durable, so is whatever any caller has read by now.
  public var newestReceipt: Receipt {
    let position = coordinator.sequence { $0.lastPosition }
    return Receipt(position: position.end.rawValue, sequence: position.sequence)
  }

  @inline(__always)
  private func finish(
    _ sequencer: inout Sequencer, deletesRanges: Bool, memoryByteCount: Int, onlyDeletes: Bool
  ) throws(StoreError) -> CommitPosition {
    if sequencer.isEmpty {
      sequencer.cancel()
      return sequencer.lastPosition
    }
    let isPlenty = certainlyHasRoom(toCommit: sequencer, memoryByteCount: memoryByteCount)
    if !isPlenty,
      try !hasRoom(
        toCommit: sequencer, memoryByteCount: memoryByteCount, onlyDeletes: onlyDeletes)
    {
      let byteCount = sequencer.appendedByteCount
      sequencer.cancel()
      throw .noRoom(byteCount: byteCount)
    }
    do throws(Refusal) {
      let position = try sequencer.commit()
      upkeep.look(at: position, deletesRanges: deletesRanges)
      // The purge worker checks whether the disk is nearly full: nothing may wait for that here.
      if deletesRanges { purgeWorker.wake() }
      if applyWorkers.hasFullDisk || (!isPlenty && coordinator.isOutOfSegments) {
        upkeep.sealForApply()
      }
      return position
    } catch {
      if let failure = evaluations.preconditions.takeFailure() { throw failure }
      throw .preconditionFailed(index: Int(error.detail))
    }
  }
}
