import Base

/// The listening sockets, and the event loops that accepted connections are distributed to.
public final class Listener<Peer: Sendable> {
  let sockets: [ListeningSocket]
  private let mailboxes: [Mailbox<Peer>]
  private var next = 0
  /// While no file descriptors are left to accept with: when accepting resumes, in seconds of the monotonic clock.
  var resumesAt: Int64?

  public init(sockets: [ListeningSocket], mailboxes: [Mailbox<Peer>]) {
    self.sockets = sockets
    self.mailboxes = mailboxes
  }

  func nextMailbox() -> Mailbox<Peer> {
    next = (next + 1) % mailboxes.count
    return mailboxes[next]
  }
}

extension EventLoop {
  /// Accepts a bounded number of connections, so that existing ones are still served.
  func acceptConnections() {
    for socket in listener?.sockets ?? [] {
      accepting: for _ in 0..<64 {
        switch Socket.accept(socket.number) {
        case .nothing: break accepting
        case .exhausted(let code): return pauseAccepting(because: code)
        case .accepted(let number): welcome(number, from: socket)
        }
      }
    }
  }

  private func welcome(_ number: Int32, from socket: ListeningSocket) {
    let descriptor = Descriptor(adopting: number)
    if socket.path == nil, limits.keepAliveSeconds > 0 {
      Socket.keepAlive(number, seconds: limits.keepAliveSeconds)
    }
    let path = socket.path.map { "\($0):0" }
    let peer = registry.enter(
      descriptor: number, address: path ?? Socket.peerAddress(number),
      localAddress: path ?? Socket.localAddress(number), isOnUnixSocket: path != nil,
      now: SystemClock.monotonicSeconds())
    var refusal = ByteBuffer()
    wire.writeRefusal(of: peer, to: &refusal)
    guard let peer, refusal.isEmpty else {
      if let peer { registry.refuse(peer) }
      _ = refusal.withBytes { Socket.send(number, $0) }
      return Socket.endSending(number)
    }
    guard let target = listener?.nextMailbox() else { return }
    let accepted = Mailbox<Wire.Peer>.Accepted(descriptor: descriptor.release(), peer: peer)
    if target === mailbox {
      adopt(accepted)
    } else if !target.hand(over: accepted) {
      registry.leave(peer.connection)
      _ = Descriptor(adopting: number)
    }
  }

  func adopt(_ accepted: Mailbox<Wire.Peer>.Accepted) {
    let connection = Connection(
      Descriptor(adopting: accepted.descriptor), record: accepted.peer.connection,
      context: wire.makeContext(for: accepted.peer))
    wire.configure(connection)
    connections.insert(connection)
    do throws(IOError) {
      try poller.add(accepted.descriptor, token: connection.token, .read)
    } catch {
      return close(connection)
    }
    // It may have been killed, or a drain may have begun, while it was handed over.
    if connection.record.isKilled.load(ordering: .sequentiallyConsistent) {
      close(connection)
    } else if drainDeadline != nil {
      enter(.closing, connection)
      send(connection)
    }
  }

  /// With every descriptor in use the listening socket stays ready; polling it would spin.
  private func pauseAccepting(because code: Int32) {
    guard let listener else { return }
    wire.log("cannot accept connections, retrying in one second: \(IOError.text(ofErrno: code))")
    for socket in listener.sockets {
      try? poller.change(socket.number, token: PollerToken.listener, [])
    }
    listener.resumesAt = SystemClock.monotonicSeconds() + 1
  }

  func resumeAccepting() {
    guard let listener else { return }
    listener.resumesAt = nil
    for socket in listener.sockets {
      try? poller.change(socket.number, token: PollerToken.listener, .read)
    }
  }
}
