import Base
import Glibc
import KVData
import KVServer
import KVStore
import TxnWAL

/// `kvd recover`: recovery without serving.
enum RecoverCommand: Subcommand {
  /// The exit status if the only problem is a full disk. It differs from 1 because the store need not be
  /// examined: it only needs room and another run.
  private static let noRoomStatus: Int32 = 4

  static let name = "recover"
  static let summary = "apply the log to the partition files, and report"
  static let help = """
    usage: kvd recover [--data DIR] [--memory SIZE] [--json yes] [--reset-clock]
           kvd recover [--data DIR] --truncate-at LSN [--yes-give-up]
           kvd recover [--data DIR] --salvage NEW_DIR [--yes-give-up]

      --data DIR         the store's directory               (default ./kvd-data)
      --memory SIZE      use the value that kvd serve is given: with less, the writes that a full disk
                         keeps in memory may not fit         (default 160mb)
      --json yes         print the report as one line of JSON
      --reset-clock      set the expiry clock, which never runs backward, to the system clock; keys that
                         have expired by the old clock are removed first
      --truncate-at LSN  cut a damaged log at this LSN; what follows is given up, and a copy of each
                         changed segment is kept with the suffix .damaged
      --salvage NEW_DIR  copy everything that can still be read to a new store in NEW_DIR; the damaged
                         store is not changed
      --yes-give-up      carry out --truncate-at or --salvage; without it they only report what would be
                         given up

    Opens the store as `kvd serve` does, applies the log to the partition files, takes a checkpoint and
    closes the store. It is safe to run again, also after it was killed.

    Exit status: 0 done, 1 the store could not be opened, or the log could not be applied completely
    (stderr says why), 2 there is no store, 3 nothing was changed because --yes-give-up was not given,
    4 the disk is full: nothing is lost, free some space and run it again, 64 usage error.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let flags = try Flags(
      arguments,
      known: [
        "data", "json", "memory", "truncate-at", "salvage", "salvage-partition", "after", "place",
      ],
      switches: ["yes-give-up", "reset-clock"])
    let isConfirmed = try flags.isSet("yes-give-up")
    let cut = try flags.integer("truncate-at", default: -1, in: 0...Int.max)
    let newPath = try flags.text("salvage", default: "")
    let after = try flags.text("after", default: "none")
    let place = try flags.integer("place", default: -1, in: -1...Int.max)
    let salvaged = try flags.integer("salvage-partition", default: -1, in: 0...1023)
    let path = try flags.text("data", default: "./kvd-data")
    let isJSON = try flags.isSet("json")
    let memory = try memory(flags)
    let resetsClock = try flags.isSet("reset-clock")
    let progress = Progress(isShown: !isJSON)
    let inspection: StoreInspection
    do throws(StoreError) {
      inspection = try StoreInspection(at: path)
    } catch {
      Log.write("kvd recover: \(error)\n", to: STDERR_FILENO)
      return 2
    }
    do throws(StoreError) {
      if cut >= 0 {
        return try DataLossRecovery.truncate(inspection, at: cut, isConfirmed: isConfirmed)
      }
      if !newPath.isEmpty {
        return try DataLossRecovery.salvage(inspection, into: newPath, isConfirmed: isConfirmed)
      }
      if salvaged >= 0 {
        DataLossRecovery.readPartition(inspection, salvaged, after: after, place: place)
        return 0
      }
    } catch {
      Log.write("kvd recover: \(error)\n", to: STDERR_FILENO)
      return 1
    }
    do throws(StoreError) {
      return try recover(
        inspection, memory, resetsClock: resetsClock, isJSON: isJSON, progress)
    } catch {
      progress.clear()
      Log.write("kvd recover: \(error)\n", to: STDERR_FILENO)
      return status(of: error)
    }
  }

  /// Prints the report even if closing the store fails: with a full disk or a damaged partition the store
  /// can still be opened.
  private static func recover(
    _ inspection: StoreInspection, _ memory: Int?, resetsClock: Bool, isJSON: Bool,
    _ progress: Progress
  ) throws(StoreError) -> Int32 {
    let before = partitions(of: inspection)
    progress.show("reading the log")
    var options = StoreOptions()
    if let memory { options.memoryByteCount = memory }
    options.recoveryProgress = { progress.show("reading the log: \($0)%") }
    let store = try Store.open(at: inspection.path, options: options)
    var reset: ClockReset?
    var resetFailure: StoreError?
    var failure: StoreError?
    let holds = store.retention.holds
    do throws(StoreError) {
      if resetsClock { reset = try store.resetClock() }
    } catch {
      resetFailure = error
    }
    progress.show("applying the log to the partitions")
    do throws(StoreError) {
      try store.close()
    } catch {
      failure = error
    }
    progress.clear()
    let report = Report(
      recovery: store.openReport.recovery, holds: holds, before: before,
      after: partitions(of: inspection), reset: reset)
    Log.write(isJSON ? report.json.encoded + "\n" : report.text, to: STDOUT_FILENO)
    if let resetFailure {
      Log.write(
        "kvd recover: the clock was not reset, because not all expired entries could be removed: "
          + "\(resetFailure)\n",
        to: STDERR_FILENO)
    }
    guard let failure else { return resetFailure.map { status(of: $0) } ?? 0 }
    Log.write(
      "kvd recover: recovery is incomplete; the log keeps everything that is not in the partitions yet: "
        + "\(failure)\n",
      to: STDERR_FILENO)
    return status(of: failure)
  }

  private static func status(of failure: StoreError) -> Int32 {
    if case .diskFull = failure { noRoomStatus } else { 1 }
  }

  private static func memory(_ flags: Flags) throws(UsageError) -> Int? {
    let text = try flags.text("memory", default: "")
    if text.isEmpty { return nil }
    guard let memory = ByteSize.parse(text), memory >= 8 << 20 else {
      throw UsageError(
        message:
          "option '--memory' must be a size like 256mb, at least 8388608 bytes, not '\(text)'")
    }
    return memory
  }

  /// Nil for a partition that cannot be read; opening the store gives a better error.
  private static func partitions(of inspection: StoreInspection) -> [PartitionSummary?] {
    (0..<inspection.partitionCount).map { try? inspection.partition($0) }
  }

  private struct Report {
    let recovery: RecoveryReport
    let holds: [HoldSummary]
    let before: [PartitionSummary?]
    let after: [PartitionSummary?]
    let reset: ClockReset?

    var text: String {
      var text = "log: \(recovery)\n"
      for hold in holds { text += "hold \(hold)\n" }
      for transaction in recovery.rolledForward {
        text += "transaction \(transaction): rolled forward\n"
      }
      if recovery.rolledForwardCount > recovery.rolledForward.count {
        text +=
          "and \(recovery.rolledForwardCount - recovery.rolledForward.count) more rolled forward\n"
      }
      for transaction in recovery.presumedAborted {
        text += "transaction \(transaction): in doubt, presumed aborted\n"
      }
      if recovery.presumedAbortedCount > recovery.presumedAborted.count {
        text +=
          "and \(recovery.presumedAbortedCount - recovery.presumedAborted.count) more "
          + "in doubt, presumed aborted\n"
      }
      if let reset {
        text +=
          "clock: was \(reset.lead) ms ahead of the system clock and was reset; expired entries removed: "
          + "\(reset.removedCount)\n"
        if reset.damagedCount > 0 {
          text +=
            "clock: expired entries not removed because they are damaged: \(reset.damagedCount); see `kvd check`\n"
        }
      }
      for (index, (before, after)) in zip(before, after).enumerated() {
        guard let after else {
          text += "partition \(index): its file cannot be read\n"
          continue
        }
        let first = before.map { "\($0.appliedLSN)" } ?? "unknown"
        text +=
          "partition \(index): applied LSN \(first) -> \(after.appliedLSN), "
          + Plural.count(after.entryCount, "entry", "entries") + "\n"
      }
      return text
    }

    var json: JSONText {
      .object([
        ("segments", .number(recovery.segmentCount)), ("records", .number(recovery.recordCount)),
        ("checkpoint_lsn", .number(recovery.checkpoint.rawValue)),
        ("end_lsn", .number(recovery.end.rawValue)), ("torn_tail", .flag(recovery.hasTornTail)),
        ("holds", HoldText.json(holds)),
        ("rolled_forward", .number(recovery.rolledForwardCount)),
        ("rolled_forward_first", .list(recovery.rolledForward.map { .text("\($0)") })),
        ("already_applied", .number(recovery.alreadyAppliedCount)),
        ("aborted", .number(recovery.abortedCount)),
        ("presumed_aborted", .number(recovery.presumedAbortedCount)),
        ("presumed_aborted_first", .list(recovery.presumedAborted.map { .text("\($0)") })),
        ("microseconds", .number(recovery.duration.microseconds)),
        ("clock_was_ahead_ms", .number(reset?.lead ?? 0)),
        ("expired_removed", .number(reset?.removedCount ?? 0)),
        ("expired_damaged", .number(reset?.damagedCount ?? 0)),
        (
          "partitions",
          .list(
            zip(before, after).enumerated().map { index, pair in
              var fields: [(String, JSONText)] = [("partition", .number(index))]
              if let before = pair.0 {
                fields.append(("applied_lsn_before", .number(before.appliedLSN)))
              }
              if let after = pair.1 {
                fields.append(("applied_lsn_after", .number(after.appliedLSN)))
                fields.append(("entries", .number(after.entryCount)))
              }
              return .object(fields)
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
