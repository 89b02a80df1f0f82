import Base
import KVStore

/// CLIENT LIST and CLIENT KILL: clients selected by their properties.
enum ClientSelection {
  /// Redis's client types. There are no replicas or subscribers here, so every client is normal.
  private enum Kind {
    case normal
    case other

    init?(_ name: RawSpan) {
      if name.spells("NORMAL") {
        self = .normal
      } else if name.spells("MASTER") || name.spells("REPLICA") || name.spells("SLAVE")
        || name.spells("PUBSUB")
      {
        self = .other
      } else {
        return nil
      }
    }
  }

  // MARK: CLIENT LIST

  /// CLIENT LIST [TYPE type | ID id…]: each client once, however often it is named.
  static func list(_ call: inout Call, _ request: RawSpan) {
    var chosen = call.server.clients.all
    if call.count == 4, request.extracting(call[2]).spells("TYPE") {
      guard let kind = kind(at: 3, &call, request) else { return }
      if kind == .other { chosen = [] }
    } else if call.count > 3, request.extracting(call[2]).spells("ID") {
      let clients = Dictionary(uniqueKeysWithValues: chosen.map { (Int64(clamping: $0.id), $0) })
      var named: Set<Int64> = []
      chosen = []
      for index in 3..<call.count {
        guard let id = parseInteger(request.extracting(call[index])) else {
          return call.reply.error("ERR Invalid client ID")
        }
        if let client = clients[id], named.insert(id).inserted { chosen.append(client) }
      }
    } else if call.count != 2 {
      return call.syntaxError()
    }
    let now = SystemClock.monotonicSeconds()
    let own = call.session.record
    var text = ""
    for record in chosen where call.reply.hasRoom(for: text.utf8.count) {
      text +=
        record === own
        ? call.clientLine(request) : record.line(now: now, table: call.server.table)
      text += "\n"
    }
    call.reply.verbatim(text)
  }

  private static func kind(at index: Int, _ call: inout Call, _ request: RawSpan) -> Kind? {
    let name = request.extracting(call[index])
    guard let kind = Kind(name) else {
      call.reply.error("ERR Unknown client type '\(String(describing: name))'")
      return nil
    }
    return kind
  }

  // MARK: CLIENT KILL

  /// The properties of the clients to kill; nil matches any.
  private struct Filter {
    var id: UInt64?
    var kind: Kind?
    var address: String?
    var localAddress: String?
    var user: [UInt8]?
    var skipsOwn = true

    func accepts(_ record: ClientRecord) -> Bool {
      (id == nil || record.id == id) && kind != .other
        && (address == nil || record.address == address)
        && (localAddress == nil || record.localAddress == localAddress)
        && (user == nil || record.labels.withLock { $0.user } == user)
    }
  }

  /// CLIENT KILL address, or CLIENT KILL option value…
  static func kill(_ call: inout Call, _ request: RawSpan) {
    guard call.count > 3 else {
      var filter = Filter()
      filter.address = String(describing: request.extracting(call[2]))
      filter.skipsOwn = false
      if kill(by: filter, &call) > 0 {
        call.reply.ok()
      } else {
        call.reply.error("ERR No such client")
      }
      return
    }
    guard let filter = filter(&call, request) else { return }
    call.reply.integer(Int64(kill(by: filter, &call)))
  }

  /// Kills the matching clients and returns how many there were. If this client is one of them, it is closed
  /// after its reply.
  private static func kill(by filter: Filter, _ call: inout Call) -> Int {
    var chosen = call.server.clients.all.filter { filter.accepts($0) }
    let own = chosen.firstIndex { $0 === call.session.record }
    if let own { chosen.remove(at: own) }
    call.server.gate.kill(chosen)
    guard own != nil, !filter.skipsOwn else { return chosen.count }
    call.disposition = .close
    return chosen.count + 1
  }

  /// Nil, with the error written, if the options are invalid.
  private static func filter(_ call: inout Call, _ request: RawSpan) -> Filter? {
    var filter = Filter()
    var index = 2
    while index < call.count {
      let option = request.extracting(call[index])
      guard index + 1 < call.count else {
        call.syntaxError()
        return nil
      }
      let value = request.extracting(call[index + 1])
      if option.spells("ID") {
        guard let id = parseInteger(value), id > 0 else {
          call.reply.error("ERR client-id should be greater than 0")
          return nil
        }
        filter.id = UInt64(id)
      } else if option.spells("TYPE") {
        guard let kind = kind(at: index + 1, &call, request) else { return nil }
        filter.kind = kind
      } else if option.spells("ADDR") {
        filter.address = String(describing: value)
      } else if option.spells("LADDR") {
        filter.localAddress = String(describing: value)
      } else if option.spells("USER") {
        let name = [UInt8](copying: value)
        guard call.server.users.user(name) != nil else {
          call.reply.error("ERR No such user '\(String(describing: value))'")
          return nil
        }
        filter.user = name
      } else if option.spells("SKIPME"), value.spells("YES") || value.spells("NO") {
        filter.skipsOwn = value.spells("YES")
      } else {
        call.syntaxError()
        return nil
      }
      index += 2
    }
    return filter
  }
}
