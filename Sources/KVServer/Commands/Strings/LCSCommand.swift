import Base
import KVStore

/// LCS key1 key2 [LEN | IDX] [MINMATCHLEN n] [WITHMATCHLEN]: a longest common subsequence.
enum LCSCommand {
  static let commands: [Command] = [
    Command(
      "lcs", arity: -3, [.readOnly], keys: Command.Keys(first: 1, last: 2, step: 1),
      group: "string", "Find longest common substring", .read(run, run))
  ]

  private struct Options {
    var isLength = false
    var isIndexes = false
    var givesMatchLengths = false
    var leastMatchLength: Int64 = 0

    /// Nil, with the error written, if the options are invalid.
    init?(_ call: inout Call, _ request: RawSpan) {
      var index = 3
      while index < call.count {
        let option = request.extracting(call[index])
        if option.spells("IDX") {
          isIndexes = true
        } else if option.spells("LEN") {
          isLength = true
        } else if option.spells("WITHMATCHLEN") {
          givesMatchLengths = true
        } else if option.spells("MINMATCHLEN"), index + 1 < call.count {
          index += 1
          guard let least = parseInteger(request.extracting(call[index])) else {
            call.notAnInteger()
            return nil
          }
          leastMatchLength = least
        } else {
          call.syntaxError()
          return nil
        }
        index += 1
      }
      if isLength, isIndexes {
        call.reply.error("ERR If you want both the length and indexes, please just use IDX.")
        return nil
      }
    }
  }

  static func run<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var strings: [[UInt8]] = [[], []]
    call.keys.removeAll(keepingCapacity: true)
    call.keys.append(call[1])
    call.keys.append(call[2])
    var areStrings = true
    try view.withEntries(of: call.keys, in: request) {
      index, info, value, damage throws(StoreError) in
      if let damage { throw damage }
      if let info, info.type != 0 { areStrings = false }
      strings[index] = [UInt8](copying: value)
    }
    guard areStrings else {
      return call.reply.error("ERR The specified keys must contain string values")
    }
    guard let options = Options(&call, request) else { return }
    guard let table = LCSTable(strings[0], strings[1], byteLimit: Limits.valueByteCount) else {
      call.reply.error(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
      return
    }
    if options.isLength {
      call.reply.integer(Int64(table.count))
    } else if options.isIndexes {
      indexes(of: table, options, &call)
    } else {
      call.reply.bulk(table.walk { _ in }.rawSpan)
    }
  }

  private static func indexes(of table: LCSTable, _ options: Options, _ call: inout Call) {
    var matches: [LCSTable.Match] = []
    _ = table.walk { if $0.count >= options.leastMatchLength { matches.append($0) } }
    call.reply.map(2)
    call.reply.bulk("matches")
    call.reply.array(matches.count)
    for match in matches {
      call.reply.array(options.givesMatchLengths ? 3 : 2)
      for range in [match.first, match.second] {
        call.reply.array(2)
        call.reply.integer(Int64(range.lowerBound))
        call.reply.integer(Int64(range.upperBound))
      }
      if options.givesMatchLengths { call.reply.integer(Int64(match.count)) }
    }
    call.reply.bulk("len")
    call.reply.integer(Int64(table.count))
  }
}
