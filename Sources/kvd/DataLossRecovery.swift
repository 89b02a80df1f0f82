import Base
import Glibc
import KVServer
import KVStore

/// `kvd recover --truncate-at` and `--salvage`: the two ways to recover that lose data. Both report what
/// would be lost, and do nothing without `--yes-give-up`.
enum DataLossRecovery {
  /// The exit status if the confirming flag is missing.
  static let unconfirmedStatus: Int32 = 3

  static func truncate(
    _ inspection: StoreInspection, at lsn: Int, isConfirmed: Bool
  ) throws(StoreError) -> Int32 {
    let truncation = try StoreTruncation(of: inspection, at: UInt64(lsn))
    let log = truncation.log
    say("the log would be cut at LSN \(lsn)")
    say(
      "given up: \(Plural.count(log.commitCount, "committed transaction")) after it that can still be read, in "
        + "\(Plural.count(log.recordCount, "record")), and everything that the damage has destroyed"
    )
    for transaction in log.transactions { say("given up: transaction \(transaction)") }
    if log.commitCount > log.transactions.count {
      say("given up: and \(log.commitCount - log.transactions.count) more")
    }
    for name in log.fileNames { say("changed: log/\(name), kept as log/\(name).damaged") }
    guard isConfirmed else { return unconfirmed() }
    try truncation.carryOut()
    say("done: the log ends at LSN \(lsn); now run `kvd recover`, then `kvd check`")
    return 0
  }

  static func salvage(
    _ inspection: StoreInspection, into path: String, isConfirmed: Bool
  ) throws(StoreError) -> Int32 {
    var salvage = StoreSalvage(of: inspection)
    let report = try salvage.run(into: isConfirmed ? path : nil) { index, start, take in
      var arguments = ["recover", "--data", inspection.path, "--salvage-partition", "\(index)"]
      arguments += ["--place=\(start.place)"]
      if let key = start.after, !key.isEmpty {
        arguments += [
          "--after=" + key.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
        ]
      }
      return ChildProcess.run(arguments, take)
    }
    say(
      "readable: \(Plural.count(report.entryCount, "entry", "entries")) of "
        + Plural.count(inspection.partitionCount, "partition"))
    say(
      "readable: \(Plural.count(report.transactionCount, "transaction")) in the log that the partitions do not have yet"
    )
    if report.inDoubtCount > 0 {
      say("in doubt and presumed aborted: \(Plural.count(report.inDoubtCount, "transaction"))")
    }
    for loss in report.losses { say("given up: \(loss)") }
    if report.lossCount > report.losses.count {
      say("given up: and \(report.lossCount - report.losses.count) more")
    }
    if report.lossCount == 0 { say("given up: nothing") }
    guard isConfirmed else { return unconfirmed() }
    try UserFileCopy.copy(from: inspection.path, to: path)
    say("done: \(path) is the new store; \(inspection.path) was not changed")
    return 0
  }

  /// Runs in the child process that `salvage` starts for each partition.
  static func readPartition(
    _ inspection: StoreInspection, _ index: Int, after text: String, place: Int
  ) {
    let digits = Array(text)
    let key = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
    let after = place < 0 || text == "none" ? nil : key
    inspection.salvage(partition: index, from: SalvageStart(after: after, place: place)) {
      Log.write($0, to: STDOUT_FILENO)
    }
  }

  private static func unconfirmed() -> Int32 {
    say("nothing was changed; add --yes-give-up to proceed")
    return unconfirmedStatus
  }

  private static func say(_ text: String) {
    Log.write(text + "\n", to: STDOUT_FILENO)
  }
}
