import Net

/// A client as CLIENT LIST shows it.
extension ClientRecord {
  /// The request in which a client asks about itself.
  struct Request {
    let command: Int
    let byteCount: Int
    let argumentByteCount: Int
  }

  /// One line of CLIENT LIST with Redis's field names, followed by lib-name and lib-ver as in Redis 7.2.
  /// Fields for what kvd does not have, such as subscriptions, show the value for none.
  func line(now: Int64, table: CommandTable, underWay: Request? = nil) -> String {
    let labels = labels.withLock { $0 }
    let index = underWay?.command ?? lastCommand.load(ordering: .relaxed)
    let queued = queuedCount.load(ordering: .relaxed)
    let replies = connection.outputByteCount.load(ordering: .relaxed)
    let memory = connection.memoryByteCount.load(ordering: .relaxed)
    let input = underWay?.byteCount ?? connection.inputByteCount.load(ordering: .relaxed)
    let idle = underWay == nil ? now - connection.lastActiveAt.load(ordering: .relaxed) : 0
    let fields: [(String, String)] = [
      ("id", "\(id)"), ("addr", address), ("laddr", localAddress),
      ("fd", "\(connection.descriptor)"),
      ("name", labels.name), ("age", "\(now - connection.connectedAt)"),
      ("idle", "\(idle)"),
      ("flags", flags), ("db", "0"), ("sub", "0"), ("psub", "0"), ("ssub", "0"),
      ("multi", "\(queued)"), ("qbuf", "\(input)"), ("qbuf-free", "\(max(0, memory - input))"),
      ("argv-mem", "\(underWay?.argumentByteCount ?? 0)"), ("multi-mem", "0"), ("rbs", "0"),
      ("rbp", "0"), ("obl", "0"), ("oll", replies > 0 ? "1" : "0"), ("omem", "\(replies)"),
      ("tot-mem", "\(memory + input)"), ("events", replies > 0 ? "rw" : "r"),
      ("cmd", index < 0 ? "NULL" : table.commands[index].name),
      ("user", String(decoding: labels.user, as: UTF8.self)), ("redir", "-1"),
      ("resp", "\(protocolVersion.load(ordering: .relaxed))"), ("lib-name", labels.libraryName),
      ("lib-ver", labels.libraryVersion),
    ]
    return fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
  }

  /// Redis's letters: `b` blocked, `x` in a transaction, `e` excluded from eviction; `N` for none of these.
  private var flags: String {
    var letters = ""
    if isBlocked.load(ordering: .relaxed) { letters += "b" }
    if queuedCount.load(ordering: .relaxed) >= 0 { letters += "x" }
    if connection.isNeverEvicted.load(ordering: .relaxed) { letters += "e" }
    return letters.isEmpty ? "N" : letters
  }
}
