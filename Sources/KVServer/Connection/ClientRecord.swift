import Base
import Net
import Synchronization

/// What any thread may read about a connected client; the data behind CLIENT LIST.
final class ClientRecord: ConnectionPeer {
  struct Labels {
    var name = ""
    var libraryName = ""
    var libraryVersion = ""
    var user = User.defaultName
  }

  let connection: ConnectionRecord
  let labels = Lock(Labels())
  /// The index of the last command in the command table, -1 before the first.
  let lastCommand = Atomic<Int>(-1)
  let protocolVersion = Atomic<Int>(2)
  /// Commands queued since MULTI, -1 outside a transaction.
  let queuedCount = Atomic<Int>(-1)
  let isBlocked = Atomic<Bool>(false)

  init(_ connection: ConnectionRecord) { self.connection = connection }

  var id: UInt64 { connection.id }
  var address: String { connection.address }
  var localAddress: String { connection.localAddress }
  var host: String { connection.host }

  /// Whether it connects from this machine, by the rule of Redis's protected mode.
  var isLocal: Bool { connection.isLocal }

  /// Its origin, as MONITOR shows it.
  var origin: String {
    connection.isOnUnixSocket ? "unix:" + address.dropLast(2) : address
  }
}

/// All connected clients, and the limit on their number.
typealias ClientRegistry = ConnectionRegistry<ClientRecord>
