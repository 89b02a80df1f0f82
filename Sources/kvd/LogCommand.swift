import Glibc
import KVStore
import TxnWAL

/// `kvd log`: prints the records of the log.
enum LogCommand: Subcommand {
  static let name = "log"
  static let summary = "print the records of a store's log"
  static let help = """
    usage: kvd log [--data DIR] [--from LSN] [--json yes]

      --data DIR   the store's directory               (default ./kvd-data)
      --from LSN   skip records before this LSN        (default: the checkpoint)
      --json yes   print one JSON object per line

    Changes nothing. Can be used while kvd is running.

    Exit status: 0 the log ends cleanly or with a torn tail, 1 the log is damaged, 2 the log could not be
    read, 64 usage error.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let flags = try Flags(arguments, known: ["data", "from", "json"])
    let path = try flags.text("data", default: "./kvd-data")
    let from = try flags.integer("from", default: 0, in: 0...Int.max)
    let isJSON = try flags.isSet("json")
    do throws(StoreError) {
      var log = try StoreInspection(at: path).log()
      return try print(&log, from: LSN(rawValue: UInt64(from)), isJSON: isJSON)
    } catch {
      Log.write("kvd log: \(error)\n", to: STDERR_FILENO)
      return 2
    }
  }

  private static func print(
    _ log: inout LogInspector, from: LSN, isJSON: Bool
  ) throws(StoreError) -> Int32 {
    do throws(LogError) {
      while let record = try log.next() {
        if record.lsn < from { continue }
        let line = isJSON ? json(record).encoded : text(record)
        Log.write(line + "\n", to: STDOUT_FILENO)
      }
      return end(try log.tail(), at: log.position, isJSON: isJSON)
    } catch {
      throw StoreError(error)
    }
  }

  private static func text(_ record: InspectedRecord) -> String {
    var text = "\(record.lsn)  \(record.kind)  transaction \(record.transaction)"
    if let sequence = record.sequence { text += "  sequence \(sequence)" }
    text += "  \(record.byteCount) bytes  \(record.file)+\(record.fileOffset)"
    _ = record.forEachSection { participant, mutations in
      text += "\n    partition \(participant):"
      for mutation in MutationSummary.all(in: mutations) { text += " \(mutation);" }
    }
    return text
  }

  private static func json(_ record: InspectedRecord) -> JSONText {
    var fields: [(String, JSONText)] = [
      ("lsn", .number(record.lsn.rawValue)), ("kind", .text(record.kind)),
      ("transaction", .text("\(record.transaction)")), ("bytes", .number(record.byteCount)),
      ("file", .text(record.file)), ("offset", .number(record.fileOffset)),
    ]
    if let sequence = record.sequence { fields.append(("sequence", .number(sequence))) }
    var sections: [JSONText] = []
    _ = record.forEachSection { participant, mutations in
      let all = MutationSummary.all(in: mutations).map { JSONText.text($0.description) }
      sections.append(
        .object([("partition", .number(participant)), ("mutations", .list(all))]))
    }
    if !sections.isEmpty { fields.append(("sections", .list(sections))) }
    return .object(fields)
  }

  private static func end(_ tail: LogTail, at lsn: LSN, isJSON: Bool) -> Int32 {
    let word: String
    switch tail {
    case .clean: word = "clean"
    case .torn: word = "torn"
    case .damaged: word = "damaged"
    }
    var fields: [(String, JSONText)] = [("end", .number(lsn.rawValue)), ("tail", .text(word))]
    var text = "\(lsn)  end of the log, \(word)"
    if case .damaged(let finding) = tail {
      fields.append(("finding", .text("\(finding)")))
      text += ": \(finding)"
    }
    Log.write((isJSON ? JSONText.object(fields).encoded : text) + "\n", to: STDOUT_FILENO)
    return word == "damaged" ? 1 : 0
  }
}
