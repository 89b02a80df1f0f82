import Base
import TxnWAL

extension StoreInspection {
  /// Reads every record of the log, every entry and tombstone of every partition, and the manifest; verifies
  /// checksums, order, counts and placement, and that the files agree. Changes nothing.
  ///
  /// A process may write to the store meanwhile. So what is compared across files is read in an order in
  /// which it must agree: first the partitions, then the log, which is ahead of them.
  ///
  /// - Parameters:
  ///   - progress: called with a description of what is read next.
  ///   - partition: reads one partition in another process, where damage that makes LMDB abort does no harm;
  ///     nil reads it in this one.
  public func check(
    progress: (String) -> Void = { _ in }, partition: ((Int) -> CheckReport)? = nil
  ) -> CheckReport {
    var report = CheckReport()
    for index in 0..<partitionCount {
      progress("partition \(index) of \(partitionCount)")
      report.merge(partition?(index) ?? check(partition: index))
    }
    report.unowned.subtract(report.unmatchedOwners)
    progress("log")
    do throws(StoreError) {
      try checkLog(&report)
    } catch {
      report.add(error)
    }
    reportUnowned(&report)
    return report
  }

  /// Reads every entry and tombstone of one partition.
  public func check(partition index: Int) -> CheckReport {
    var report = CheckReport()
    do throws(StoreError) {
      try PartitionCheck(inspection: self, index: index).run(into: &report)
    } catch {
      report.add(error)
    }
    report.partitionCount = 1
    return report
  }

  /// The report on a partition whose reading process died, by a signal or otherwise.
  public func report(ofDeath status: Int32, checking index: Int) -> CheckReport {
    var report = CheckReport()
    report.partitionCount = 1
    report.add(
      Finding(
        file: "\(StoreOpening.partitionPath(index, in: path))/\(LMDBFile.dataName)",
        expected: "a file that LMDB can read",
        found: status < 0
          ? "one whose reader was killed by signal \(-status)"
          : "one whose reader exited with status \(status)"
      ))
    return report
  }

  private func checkLog(_ report: inout CheckReport) throws(StoreError) {
    var log = try log()
    report.lastSequence = log.summary.sequence
    report.holds = log.summary.holds
    var previous: CheckedRecord?
    var open: Set<TransactionID> = []
    while let record = try translatingLogErrors({ () throws(LogError) in try log.next() }) {
      report.recordCount += 1
      report.logByteCount += record.byteCount
      if record.kind == "intent" {
        open.insert(record.transaction)
      } else {
        open.remove(record.transaction)
      }
      checkOrder(of: record, after: &previous, &report)
      checkSections(of: record, &report)
    }
    report.inDoubtCount = open.count
    report.logEnd = log.position.rawValue
    switch try translatingLogErrors({ () throws(LogError) in try log.tail() }) {
    case .clean: break
    case .torn: report.hasTornTail = true
    case .damaged(let finding): report.add(finding)
    }
    compare(&report)
  }

  /// The fields of a record with which the next one is compared.
  private typealias CheckedRecord = (sequence: SequenceNumber, epoch: UInt32)

  /// Sequences are dense, except for those that an open skips because the log may have lost them. (The first record
  /// may have a lower sequence than the control file, which records it slightly later than the position.)
  private func checkOrder(
    of record: InspectedRecord, after previous: inout CheckedRecord?, _ report: inout CheckReport
  ) {
    guard let sequence = record.sequence else { return }
    let epoch = record.transaction.epoch
    if let previous, sequence != previous.sequence + 1,
      epoch == previous.epoch || sequence <= previous.sequence
    {
      report.add(
        Finding(
          file: "\(StoreOpening.logPath(in: path))/\(record.file)",
          offset: UInt64(record.fileOffset), expected: "sequence \(previous.sequence + 1)",
          found: "\(sequence)"))
    }
    previous = (sequence, epoch)
    report.lastSequence = max(report.lastSequence, sequence)
  }

  private func checkSections(of record: InspectedRecord, _ report: inout CheckReport) {
    var problem: String?
    let areSections = record.forEachSection { participant, mutations in
      if participant >= partitionCount {
        problem = "a section for partition \(participant), which does not exist"
      }
      var offset = 0
      while offset < mutations.byteCount, problem == nil {
        guard let mutation = Mutation.parse(mutations, at: offset) else {
          problem = "bytes that are not a mutation, in a section of partition \(participant)"
          return
        }
        offset = mutation.end
        excuse(mutation, in: mutations, &report)
        if mutation.kind == .deleteRange { continue }
        let address = mutation.address(in: mutations)
        if address.partition(count: partitionCount) != participant {
          problem =
            "a key of slot \(address.slot) in a section of partition \(participant)"
        }
      }
    }
    if !areSections { problem = "malformed sections" }
    if let problem {
      report.add(
        Finding(
          file: "\(StoreOpening.logPath(in: path))/\(record.file)",
          offset: UInt64(record.fileOffset), expected: "valid sections", found: problem))
    }
  }

  /// Compares what the files say about each other.
  private func compare(_ report: inout CheckReport) {
    for (index, applied) in report.appliedLSNs.enumerated() where applied > report.logEnd {
      report.add(
        Finding(
          file: StoreOpening.logPath(in: path), offset: report.logEnd,
          expected: "a log up to LSN \(applied), which partition \(index) has applied",
          found: "the end of the log at LSN \(report.logEnd)"))
    }
    if report.greatestSequence > report.lastSequence {
      report.add(
        Finding(
          file: StoreOpening.logPath(in: path), offset: report.logEnd,
          expected: "a log up to sequence \(report.greatestSequence), which an entry has",
          found: "\(report.lastSequence) as the last sequence"))
    }
  }
}
