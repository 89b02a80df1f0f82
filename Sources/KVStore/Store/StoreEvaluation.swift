import TxnWAL

/// Batches that are ordered now, and visible and durable some time later.
extension Store {
  /// Runs `body` as the sequencer; what it wrote becomes one atomic batch, visible and durable some
  /// time after the return: see `syncIfIdle`, `requestSync`, `waitUntilDurable`.
  ///
  /// Where `body` throws nothing is written. So it is where a write of several steps, as that of a range delete or of
  /// all fields of a map, has ended half-way: its error is thrown even if `body` has caught it. (An error after which
  /// nothing is changed may be caught.) `body` must not wait, nor write to the store, sync it or wait for it: that is
  /// a trap. What it threw may tell of batches that are not durable yet; all of these come
  /// before `newestReceipt`. An evaluation that wrote nothing gets the receipt of the newest batch that it could
  /// have seen.
  ///
  /// Admit about what it is going to write first, with `tryAdmit`. What it has written in fact is measured
  /// before it is committed: where there is no room for that, nothing is written and `.noRoom` tells how
  /// much to admit before `body` is run again; `.diskFull` that there will be none for the time being. Where it
  /// deletes a range while too many are still to be carried out, `.rangeDeletesPending` is thrown.
  ///
  /// - Parameter onlyDeletes: as of `tryAdmit`.
  public func evaluate<R>(
    onlyDeletes: Bool = false, _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> (result: R, receipt: Receipt) {
    try evaluate(with: evaluations.reader, onlyDeletes: onlyDeletes, body)
  }

  /// The same for who has a reader of his own: the evaluation reads with it, and what he has looked up before is
  /// at hand.
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
        // On a full disk none is carried out, and nobody should wait for it.
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

  /// Waits for room and evaluates, as often as it takes until there is room for what `body` writes. Waits on the
  /// caller's thread, and only while others are the sequencer.
  ///
  /// What `body` throws is thrown once everything is durable that it may have read.
  ///
  /// - Parameter isWanted: asked now and then while there is no room; false ends the wait, with `.cancelled`.
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
        if error.mayTellOfReads { try waitUntilDurable(newestReceipt) }
        throw error
      }
    }
  }

  /// Traps inside an evaluation of this store: for what waits for a thread that may be waiting for its end.
  package func requireOutsideEvaluation() { coordinator.requireOutsideSequence() }

  /// The newest batch that has its place in the order: whatever anybody has read by now is durable when it
  /// is.
  public var newestReceipt: Receipt {
    let position = coordinator.sequence { $0.lastPosition }
    return Receipt(position: position.end.rawValue, sequence: position.sequence)
  }

  private func finish(
    _ sequencer: inout Sequencer, deletesRanges: Bool, memoryByteCount: Int, onlyDeletes: Bool
  ) throws(StoreError) -> CommitPosition {
    if sequencer.isEmpty {
      sequencer.cancel()
      return sequencer.lastPosition
    }
    let isPlenty = hasPlentyOfRoom(toCommit: sequencer, memoryByteCount: memoryByteCount)
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
      // Its thread asks whether the disk has little room: nobody may wait for that here.
      if deletesRanges { purgeWorker.wake() }
      if applyWorkers.hasFullDisk || (!isPlenty && coordinator.isOutOfSegments) {
        upkeep.sendDown()
      }
      return position
    } catch {
      if let failure = evaluations.preconditions.takeFailure() { throw failure }
      throw .preconditionFailed(index: Int(error.detail))
    }
  }
}
