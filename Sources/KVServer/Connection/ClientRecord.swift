import Base
import Synchronization

/// What any thread may read about a connected client; the data behind CLIENT LIST.
final class ClientRecord: Sendable {
  struct Labels {
    var name = ""
    var libraryName = ""
    var libraryVersion = ""
    var user = User.defaultName
  }

  let id: UInt64
  let address: String
  let localAddress: String
  let descriptor: Int32
  let isOnUnixSocket: Bool
  let connectedAt: Int64
  let labels = Lock(Labels())
  /// Seconds of the monotonic clock; written by the connection's event loop.
  let lastActiveAt: Atomic<Int64>
  /// The index of the last command in the command table, -1 before the first.
  let lastCommand = Atomic<Int>(-1)
  let protocolVersion = Atomic<Int>(2)
  /// Commands queued since MULTI, -1 outside a transaction.
  let queuedCount = Atomic<Int>(-1)
  /// Bytes of requests not yet run, of pending replies, and of all its memory, as of the last time the
  /// event loop finished serving it.
  let inputByteCount = Atomic<Int>(0)
  let replyByteCount = Atomic<Int>(0)
  let memoryByteCount = Atomic<Int>(0)
  let isBlocked = Atomic<Bool>(false)
  /// It has been told to close, but may still be open.
  let isKilled = Atomic<Bool>(false)
  /// Since when it has left pending replies unread, in seconds of the monotonic clock; `.max` while it
  /// reads.
  let blockedSince = Atomic<Int64>(.max)
  /// Never cut off to free memory for others (CLIENT NO-EVICT).
  let isNeverEvicted = Atomic<Bool>(false)

  init(
    id: UInt64, address: String, localAddress: String, descriptor: Int32,
    isOnUnixSocket: Bool = false, now: Int64
  ) {
    self.id = id
    self.isOnUnixSocket = isOnUnixSocket
    self.address = address
    self.localAddress = localAddress
    self.descriptor = descriptor
    connectedAt = now
    lastActiveAt = Atomic(now)
  }

  /// Whether it connects from this machine, by the rule of Redis's protected mode.
  var isLocal: Bool {
    isOnUnixSocket || host == "127.0.0.1" || host == "[::1]"
  }

  /// Its address without the port.
  var host: String { String(address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex)) }

  /// Its origin, as MONITOR shows it.
  var origin: String { isOnUnixSocket ? "unix:" + address.dropLast(2) : address }
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
  private let state = Lock(State())

  init(limit: Int) { self.limit = Atomic(limit) }

  /// Registers a new client; nil if the limit is reached.
  func enter(
    descriptor: Int32, address: String, localAddress: String, isOnUnixSocket: Bool, now: Int64
  ) -> ClientRecord? {
    state.withLock { state in
      guard state.clients.count < limit.load(ordering: .relaxed) else {
        state.refused += 1
        return nil
      }
      let record = ClientRecord(
        id: state.nextID, address: address, localAddress: localAddress, descriptor: descriptor,
        isOnUnixSocket: isOnUnixSocket, now: now)
      state.nextID += 1
      state.accepted += 1
      state.clients[record.id] = record
      return record
    }
  }

  /// Undoes the registration of a client that is turned away.
  func refuse(_ record: ClientRecord) {
    state.withLock { state in
      state.clients.removeValue(forKey: record.id)
      state.accepted -= 1
      state.refused += 1
    }
  }

  func leave(_ record: ClientRecord) {
    state.withLock { _ = $0.clients.removeValue(forKey: record.id) }
  }

  /// In order of arrival, without those that have been told to close.
  var all: [ClientRecord] {
    state.withLock { state in
      state.clients.values.filter { !$0.isKilled.load(ordering: .relaxed) }.sorted { $0.id < $1.id }
    }
  }

  var count: Int { state.withLock { $0.clients.count } }
  var totals: (accepted: UInt64, refused: UInt64) {
    state.withLock { ($0.accepted, $0.refused) }
  }
}
