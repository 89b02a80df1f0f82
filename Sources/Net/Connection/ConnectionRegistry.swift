import Base
import Synchronization

/// The open connections of all event loops, and the limit on their number.
public final class ConnectionRegistry<Peer: ConnectionPeer>: Sendable {
  private struct State {
    var peers: [UInt64: Peer] = [:]
    var nextID: UInt64 = 1
    var accepted: UInt64 = 0
    var refused: UInt64 = 0
  }

  public let limit: Atomic<Int>
  private let state = Lock(State())

  public init(limit: Int) { self.limit = Atomic(limit) }

  /// Registers a new connection; nil if the limit is reached.
  public func enter(
    descriptor: Int32, address: String, localAddress: String, isOnUnixSocket: Bool, now: Int64
  ) -> Peer? {
    state.withLock { state in
      guard state.peers.count < limit.load(ordering: .relaxed) else {
        state.refused += 1
        return nil
      }
      let record = ConnectionRecord(
        id: state.nextID, address: address, localAddress: localAddress, descriptor: descriptor,
        isOnUnixSocket: isOnUnixSocket, now: now)
      let peer = Peer(record)
      state.nextID += 1
      state.accepted += 1
      state.peers[record.id] = peer
      return peer
    }
  }

  /// Undoes the registration of a connection that is turned away.
  public func refuse(_ peer: Peer) {
    state.withLock { state in
      state.peers.removeValue(forKey: peer.connection.id)
      state.accepted -= 1
      state.refused += 1
    }
  }

  public func leave(_ record: ConnectionRecord) {
    state.withLock { _ = $0.peers.removeValue(forKey: record.id) }
  }

  /// In order of arrival, without those that have been told to close.
  public var all: [Peer] {
    let peers = state.withLock { Array($0.peers.values) }
    return peers.filter { !$0.connection.isKilled.load(ordering: .relaxed) }
      .sorted { $0.connection.id < $1.connection.id }
  }

  public var count: Int { state.withLock { $0.peers.count } }
  public var totals: (accepted: UInt64, refused: UInt64) {
    state.withLock { ($0.accepted, $0.refused) }
  }
}
