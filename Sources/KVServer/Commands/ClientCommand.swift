import KVStore
import TxnWAL

/// The subcommands of CLIENT.
enum ClientCommand {
  static func run(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let name = request.extracting(call[1])
    if name.spells("ID") {
      guard expect(2, &call, "client|id") else { return }
      call.reply.integer(call.session.id)
    } else if name.spells("GETNAME") {
      guard expect(2, &call, "client|getname") else { return }
      let label = call.session.record.labels.withLock { $0.name }
      if label.isEmpty { call.reply.null() } else { call.reply.bulk(label) }
    } else if name.spells("SETNAME") {
      guard expect(3, &call, "client|setname") else { return }
      if setName(&call, request.extracting(call[2])) { call.reply.ok() }
    } else if name.spells("SETINFO") {
      guard expect(4, &call, "client|setinfo") else { return }
      setInfo(&call, request)
    } else if name.spells("INFO") {
      guard expect(2, &call, "client|info") else { return }
      let now = System.monotonicSeconds()
      call.reply.verbatim(call.session.record.line(now: now, table: call.server.table) + "\n")
    } else if name.spells("LIST") {
      let now = System.monotonicSeconds()
      let table = call.server.table
      call.reply.verbatim(
        call.server.clients.all.map { $0.line(now: now, table: table) + "\n" }.joined())
    } else if name.spells("HELP") {
      let lines: [StaticString] = [
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "GETNAME", "ID",
        "INFO", "LIST", "SETINFO <LIB-NAME|LIB-VER> <value>", "SETNAME <name>", "HELP",
      ]
      call.reply.array(lines.count)
      for line in lines { call.reply.simple(line) }
    } else {
      unknown(&call, name, of: "CLIENT")
    }
  }

  /// Names the connection; false, with the error written, if the name may not stand in CLIENT LIST.
  static func setName(_ call: inout Call, _ name: RawSpan) -> Bool {
    guard isPrintable(name) else {
      call.reply.error("ERR Client names cannot contain spaces, newlines or special characters.")
      return false
    }
    guard name.byteCount <= longestLabel else {
      call.reply.error("ERR Client names cannot be longer than \(longestLabel) bytes.")
      return false
    }
    let text = String(describing: name)
    call.session.record.labels.withLock { $0.name = text }
    return true
  }

  private static func setInfo(_ call: inout Call, _ request: RawSpan) {
    let attribute = request.extracting(call[2])
    let value = request.extracting(call[3])
    let isName = attribute.spells("LIB-NAME")
    guard isName || attribute.spells("LIB-VER") else {
      call.reply.error("ERR Unrecognized option '\(String(describing: attribute))'")
      return
    }
    guard value.byteCount <= longestLabel, isPrintable(value) else {
      call.reply.error(
        isName
          ? "ERR lib-name cannot contain spaces, newlines or special characters."
          : "ERR lib-ver cannot contain spaces, newlines or special characters.")
      return
    }
    let text = String(describing: value)
    call.session.record.labels.withLock {
      if isName { $0.libraryName = text } else { $0.libraryVersion = text }
    }
    call.reply.ok()
  }

  /// Labels stay for as long as the connection and are not counted as its memory.
  private static let longestLabel = 1024

  private static func isPrintable(_ text: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      let byte = text.byte(at: offset)
      if byte < 0x21 || byte > 0x7E { return false }
    }
    return true
  }

  private static func expect(_ count: Int, _ call: inout Call, _ name: String) -> Bool {
    if call.count == count { return true }
    call.wrongArity(name)
    return false
  }

  /// The error for a subcommand that does not exist.
  static func unknown(_ call: inout Call, _ name: RawSpan, of container: StaticString) {
    var text = ByteBuffer()
    text.append("ERR unknown subcommand '")
    text.append(name.extracting(first: min(name.byteCount, 128)))
    text.append("'. Try ")
    text.append(container)
    text.append(" HELP.")
    call.reply.error(text)
  }
}
