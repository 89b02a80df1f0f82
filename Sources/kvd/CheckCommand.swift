import Base
import Glibc
import KVStore

/// `kvd check`: reads everything and changes nothing.
enum CheckCommand: Subcommand {
  static let name = "check"
  static let summary = "verify everything in a store, without changing it"
  static let help = """
    usage: kvd check [--data DIR] [--json yes]

      --data DIR   the store's directory               (default ./kvd-data)
      --json yes   print the result as one line of JSON

    Reads every log record, every entry, every range delete and the manifest, and verifies checksums,
    order, counts and positions, and that the files agree with each other. Can be used while kvd is
    running.

    Exit status: 0 sound, 1 problems found, 2 the store could not be read, for example because this user
    may not read one of its files, 64 usage error. A user who may not write to the store can check it
    while no process has it open.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let flags = try Flags(arguments, known: ["data", "json", "partition"])
    let path = try flags.text("data", default: "./kvd-data")
    let isJSON = try flags.isSet("json")
    let progress = Progress(isShown: !isJSON)
    do throws(StoreError) {
      let inspection = try StoreInspection(at: path)
      // Set by the parent process, in `check(partition:of:)`.
      let index = try? flags.integer("partition", default: -1, in: 0...1023)
      if let index, index >= 0 {
        Log.write(inspection.check(partition: index).partitionLines, to: STDOUT_FILENO)
        return 0
      }
      try inspection.checkAccess()
      let report = inspection.check(
        progress: { progress.show("checking \($0)") },
        partition: { check(partition: $0, of: inspection) })
      progress.clear()
      Log.write(isJSON ? json(report).encoded + "\n" : text(report), to: STDOUT_FILENO)
      return report.isSound ? 0 : 1
    } catch {
      progress.clear()
      Log.write("kvd check: \(error)\n", to: STDERR_FILENO)
      return 2
    }
  }

  /// Damage can make LMDB abort or access unmapped memory, so each partition is checked in its own process.
  private static func check(partition index: Int, of inspection: StoreInspection) -> CheckReport {
    var text: [UInt8] = []
    let status = ChildProcess.run(
      ["check", "--data", inspection.path, "--partition", "\(index)"]
    ) { text += $0 }
    guard status == 0,
      let report = CheckReport(partitionLines: String(decoding: text, as: UTF8.self))
    else { return inspection.report(ofDeath: status, checking: index) }
    return report
  }

  private static func text(_ report: CheckReport) -> String {
    var text = """
      log         \(Plural.count(report.recordCount, "record")), \(report.logByteCount) bytes, ends at LSN \
      \(report.logEnd)\(report.hasTornTail ? ", followed by an unfinished write" : "")
      in doubt    \(Plural.count(report.inDoubtCount, "transaction")), which recovery presumes aborted
      partitions  \(report.partitionCount)
      entries     \(report.entryCount), \(report.byteCount) bytes
      deletes     \(Plural.count(report.tombstoneCount, "range delete")) in progress

      """
    for hold in report.holds { text += "hold        \(hold)\n" }
    for finding in report.findings { text += "WRONG: \(finding)\n" }
    if report.findingCount > report.findings.count {
      text += "and \(report.findingCount - report.findings.count) more\n"
    }
    return text + (report.isSound ? "sound\n" : summary(report))
  }

  private static func summary(_ report: CheckReport) -> String {
    report.findingCount == 1
      ? "1 problem found\n" : "\(report.findingCount) problems found\n"
  }

  private static func json(_ report: CheckReport) -> JSONText {
    .object([
      ("sound", .flag(report.isSound)),
      ("log_records", .number(report.recordCount)),
      ("log_bytes", .number(report.logByteCount)),
      ("log_end", .number(report.logEnd)),
      ("torn_tail", .flag(report.hasTornTail)),
      ("in_doubt", .number(report.inDoubtCount)),
      ("holds", HoldText.json(report.holds)),
      ("partitions", .number(report.partitionCount)),
      ("entries", .number(report.entryCount)),
      ("bytes", .number(report.byteCount)),
      ("range_deletes", .number(report.tombstoneCount)),
      ("finding_count", .number(report.findingCount)),
      ("findings", .list(report.findings.map { .text($0) })),
    ])
  }
}
