import Glibc
import KVStore
import TxnWAL

/// `kvd recover`: recovery without serving.
enum RecoverCommand: Subcommand {
  static let name = "recover"
  static let summary = "roll forward what the log holds, apply it all, and report"
  static let help = """
    usage: kvd recover [--data DIR] [--json yes]
           kvd recover [--data DIR] --truncate-at LSN [--yes-give-up]
           kvd recover [--data DIR] --salvage NEW_DIR [--yes-give-up]

      --data DIR         the store's directory               (default ./kvd-data)
      --json yes         print the report for programs, in one line
      --truncate-at LSN  cut a damaged log at that position; what stood behind it is given up, and
                         kept in copies of its segments that end in .damaged
      --salvage NEW_DIR  copy what can still be read into a new store there, and leave the damaged one
                         as it is
      --yes-give-up      do it; without it the last two only say what would be given up

    Opens the store as `kvd serve` does, carries everything into the partitions' files, takes a
    checkpoint and closes. Doing it twice, or being killed on the way, changes nothing.

    Exit status: 0 done, 1 the store cannot be opened or applied, and says why, 2 there is no store,
    3 nothing done for want of --yes-give-up, 64 wrong usage.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let flags = try Flags(
      arguments,
      known: ["data", "json", "truncate-at", "salvage", "salvage-partition", "after", "place"],
      switches: ["yes-give-up"])
    let isConfirmed = try flags.isSet("yes-give-up")
    let cut = try flags.integer("truncate-at", default: -1, in: 0...Int.max)
    let newPath = try flags.text("salvage", default: "")
    let after = try flags.text("after", default: "none")
    let place = try flags.integer("place", default: -1, in: -1...Int.max)
    let salvaged = try flags.integer("salvage-partition", default: -1, in: 0...1023)
    let path = try flags.text("data", default: "./kvd-data")
    let isJSON = try flags.isSet("json")
    let progress = Progress(isShown: !isJSON)
    let inspection: StoreInspection
    do throws(StoreError) {
      inspection = try StoreInspection(at: path)
    } catch {
      Log.write("kvd recover: \(error)\n", to: STDERR_FILENO)
      return 2
    }
    do throws(StoreError) {
      if cut >= 0 { return try GivingUp.truncate(inspection, at: cut, isConfirmed: isConfirmed) }
      if !newPath.isEmpty {
        return try GivingUp.salvage(inspection, into: newPath, isConfirmed: isConfirmed)
      }
      if salvaged >= 0 {
        GivingUp.readPartition(inspection, salvaged, after: after, place: place)
        return 0
      }
      let before = try partitions(of: inspection)
      progress.show("reading the log")
      var options = StoreOptions()
      options.recoveryProgress = { progress.show("reading the log: \($0)%") }
      let store = try Store.open(at: path, options: options)
      progress.show("carrying what was rolled forward into the partitions")
      try store.close()
      progress.clear()
      let report = Report(
        recovery: store.openReport.recovery, before: before, after: try partitions(of: inspection))
      Log.write(isJSON ? report.json.encoded + "\n" : report.text, to: STDOUT_FILENO)
      return 0
    } catch {
      progress.clear()
      Log.write("kvd recover: \(error)\n", to: STDERR_FILENO)
      return 1
    }
  }

  private static func partitions(
    of inspection: StoreInspection
  ) throws(StoreError) -> [PartitionSummary] {
    var partitions: [PartitionSummary] = []
    for index in 0..<inspection.partitionCount {
      partitions.append(try inspection.partition(index))
    }
    return partitions
  }

  private struct Report {
    let recovery: RecoveryReport
    let before: [PartitionSummary]
    let after: [PartitionSummary]

    var text: String {
      var text = "log: \(recovery)\n"
      for transaction in recovery.rolledForward {
        text += "transaction \(transaction): rolled forward\n"
      }
      if recovery.rolledForwardCount > recovery.rolledForward.count {
        text +=
          "and \(recovery.rolledForwardCount - recovery.rolledForward.count) transactions more "
          + "rolled forward\n"
      }
      for transaction in recovery.presumedAborted {
        text += "transaction \(transaction): in doubt, presumed aborted\n"
      }
      if recovery.presumedAbortedCount > recovery.presumedAborted.count {
        text +=
          "and \(recovery.presumedAbortedCount - recovery.presumedAborted.count) transactions more "
          + "in doubt, presumed aborted\n"
      }
      for (before, after) in zip(before, after) {
        text +=
          "partition \(after.index): applied LSN \(before.appliedLSN) -> \(after.appliedLSN), "
          + "\(after.entryCount) entries\n"
      }
      return text
    }

    var json: JSONText {
      .object([
        ("segments", .number(recovery.segmentCount)), ("records", .number(recovery.recordCount)),
        ("checkpoint_lsn", .number(recovery.checkpoint.rawValue)),
        ("end_lsn", .number(recovery.end.rawValue)), ("torn_tail", .flag(recovery.hasTornTail)),
        ("rolled_forward", .number(recovery.rolledForwardCount)),
        ("rolled_forward_first", .list(recovery.rolledForward.map { .text("\($0)") })),
        ("already_applied", .number(recovery.alreadyAppliedCount)),
        ("aborted", .number(recovery.abortedCount)),
        ("presumed_aborted", .number(recovery.presumedAbortedCount)),
        ("presumed_aborted_first", .list(recovery.presumedAborted.map { .text("\($0)") })),
        ("microseconds", .number(recovery.duration.microseconds)),
        (
          "partitions",
          .list(
            zip(before, after).map { before, after in
              .object([
                ("partition", .number(after.index)),
                ("applied_lsn_before", .number(before.appliedLSN)),
                ("applied_lsn_after", .number(after.appliedLSN)),
                ("entries", .number(after.entryCount)),
              ])
            })
        ),
      ])
    }
  }
}

extension Duration {
  fileprivate var microseconds: Int {
    Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
  }
}
