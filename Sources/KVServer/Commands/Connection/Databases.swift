import KVStore

/// SELECT, SWAPDB and MOVE. There is one database, number 0, because all keys form one ordered space. Redis's
/// other fifteen databases are refused with kvd's own error. What Redis itself refuses gets Redis's error.
enum Databases {
  static let commands: [Command] = [
    Command(
      "select", arity: 2, [.fast], group: "connection",
      "Change the selected database for the current connection", .session(select)),
    Command(
      "swapdb", arity: 3, [.write, .fast], group: "server", "Swaps two Redis databases",
      .session(swap)),
    Command(
      "move", arity: 3, [.write, .fast], keys: .one, group: "generic",
      "Move a key to another database", .session(move)),
  ]

  /// Redis's default number of databases.
  private static let redisCount = 16

  static func select(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let index = parseInteger(request.extracting(call[1])) else { return call.notAnInteger() }
    guard let number = Int32(exactly: index) else {
      return call.reply.error(
        "ERR value is out of range, value must between -2147483648 and 2147483647")
    }
    if number == 0 { call.reply.ok() } else { refuse(Int64(number), "SELECT", &call) }
  }

  static func swap(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let first = parseInteger(request.extracting(call[1])) else {
      return call.reply.error("ERR invalid first DB index")
    }
    guard let second = parseInteger(request.extracting(call[2])) else {
      return call.reply.error("ERR invalid second DB index")
    }
    if first == 0, second == 0 { return call.reply.ok() }
    let known = 0..<Int64(redisCount)
    refuse(known.contains(first) ? (second == 0 ? first : second) : first, "SWAPDB", &call)
  }

  static func move(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let index = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    guard index != 0 else {
      return call.reply.error("ERR source and destination objects are the same")
    }
    refuse(index, "MOVE", &call)
  }

  /// Replies with the error for a database other than 0.
  static func refuse(_ index: Int64, _ command: String, _ call: inout Call) {
    guard (0..<Int64(redisCount)).contains(index) else {
      return call.reply.error("ERR DB index is out of range")
    }
    call.reply.error(
      "ERR \(command) failed: kvd has only database 0; use key prefixes instead")
  }
}
