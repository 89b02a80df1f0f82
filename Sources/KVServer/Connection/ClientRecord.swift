import Synchronization

/// What any thread may ask about a connected client: the material of CLIENT LIST.
final class ClientRecord: Sendable {
  struct Labels {
    var name = ""
    var libraryName = ""
    var libraryVersion = ""
  }

  let id: UInt64
  let address: String
  let localAddress: String
  let descriptor: Int32
  let connectedAt: Int64
  let labels = Mutex(Labels())
  /// Seconds of the monotonic clock; written by the event loop of the connection.
  let lastActiveAt: Atomic<Int64>
  /// The index of the last command in the table, -1 before the first.
  let lastCommand = Atomic<Int>(-1)
  let protocolVersion = Atomic<Int>(2)

  init(id: UInt64, address: String, localAddress: String, descriptor: Int32, now: Int64) {
    self.id = id
    self.address = address
    self.localAddress = localAddress
    self.descriptor = descriptor
    connectedAt = now
    lastActiveAt = Atomic(now)
  }

  /// On this machine: over the loopback interface or a Unix socket.
  var isLocal: Bool { address.hasPrefix("127.") || address.hasPrefix("[::1]") || isOnUnixSocket }
  var isOnUnixSocket: Bool { address.hasPrefix("/") }

  /// One line of CLIENT LIST, in Redis's field names.
  func line(now: Int64, table: CommandTable) -> String {
    let labels = labels.withLock { $0 }
    let index = lastCommand.load(ordering: .relaxed)
    let command = index < 0 ? "NULL" : table.commands[index].name
    let idle = now - lastActiveAt.load(ordering: .relaxed)
    return "id=\(id) addr=\(address) laddr=\(localAddress) fd=\(descriptor) name=\(labels.name) "
      + "age=\(now - connectedAt) idle=\(idle) flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 "
      + "cmd=\(command) user=default redir=-1 resp=\(protocolVersion.load(ordering: .relaxed)) "
      + "lib-name=\(labels.libraryName) lib-ver=\(labels.libraryVersion)"
  }
}

/// All connected clients, and the limit on their number.
final class ClientRegistry: Sendable {
  private struct State {
    var clients: [UInt64: ClientRecord] = [:]
    var nextID: UInt64 = 1
    var accepted: UInt64 = 0
    var refused: UInt64 = 0
  }

  let limit: Atomic<Int>
  private let state = Mutex(State())

  init(limit: Int) { self.limit = Atomic(limit) }

  /// Enters a new client, or nil if there are as many as may be.
  func enter(descriptor: Int32, address: String, localAddress: String, now: Int64) -> ClientRecord?
  {
    state.withLock { state in
      guard state.clients.count < limit.load(ordering: .relaxed) else {
        state.refused += 1
        return nil
      }
      let record = ClientRecord(
        id: state.nextID, address: address, localAddress: localAddress, descriptor: descriptor,
        now: now)
      state.nextID += 1
      state.accepted += 1
      state.clients[record.id] = record
      return record
    }
  }

  func leave(_ record: ClientRecord) {
    state.withLock { _ = $0.clients.removeValue(forKey: record.id) }
  }

  /// In the order in which they came.
  var all: [ClientRecord] {
    state.withLock { $0.clients.values.sorted { $0.id < $1.id } }
  }

  var count: Int { state.withLock { $0.clients.count } }
  var totals: (accepted: UInt64, refused: UInt64) {
    state.withLock { ($0.accepted, $0.refused) }
  }
}
