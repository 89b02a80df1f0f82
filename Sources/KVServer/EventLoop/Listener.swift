import Base
import Net

/// The listening sockets, and the event loops that accepted connections are distributed to.
final class Listener {
  let sockets: [ListeningSocket]
  private let handles: [LoopHandle]
  private var next = 0
  /// Set while no file descriptors are left to accept with.
  var isPaused = false
  /// In seconds of the monotonic clock.
  var resumesAt: Int64 = 0

  init(sockets: [ListeningSocket], handles: [LoopHandle]) {
    self.sockets = sockets
    self.handles = handles
  }

  func nextHandle() -> LoopHandle {
    next = (next + 1) % handles.count
    return handles[next]
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
    if socket.path == nil, options.keepAliveSeconds > 0 {
      Socket.keepAlive(number, seconds: options.keepAliveSeconds)
    }
    let path = socket.path.map { "\($0):0" }
    let record = server.clients.enter(
      descriptor: number, address: path ?? Socket.peerAddress(number),
      localAddress: path ?? Socket.localAddress(number), isOnUnixSocket: path != nil,
      now: SystemClock.monotonicSeconds())
    guard let record else { return refuse(number, "ERR max number of clients reached") }
    guard !server.gate.isProtected || record.isLocal || !server.users.defaultUser.needsNoPassword
    else {
      server.clients.refuse(record)
      return refuse(number, ProtectedMode.refusal)
    }
    guard let target = listener?.nextHandle() else { return }
    if target === handle {
      register(Connection(descriptor: descriptor, session: Session(record: record)))
    } else {
      let accepted = LoopHandle.Accepted(descriptor: descriptor.release(), record: record)
      if !target.hand(over: accepted) {
        server.clients.leave(record)
        _ = Descriptor(adopting: accepted.descriptor)
      }
    }
  }

  private func refuse(_ number: Int32, _ error: StaticString) {
    var reply = ReplyWriter()
    reply.error(error)
    _ = reply.bytes.withBytes { Socket.send(number, $0) }
    Socket.endSending(number)
  }

  func adopt(_ accepted: LoopHandle.Accepted) {
    register(
      Connection(
        descriptor: Descriptor(adopting: accepted.descriptor),
        session: Session(record: accepted.record)))
  }

  private func register(_ connection: Connection) {
    connection.decoder.bulkByteLimit = options.bulkByteLimit
    connection.inputByteLimit = options.queryBufferByteLimit
    do throws(IOError) {
      try poller.add(connection.descriptor.number, token: connection.token, .read)
      connections[connection.token] = connection
    } catch {
      server.clients.leave(connection.session.record)
    }
  }

  /// With every descriptor in use the listening socket stays ready; polling it would spin.
  private func pauseAccepting(because code: Int32) {
    guard let listener else { return }
    server.options.log(
      "cannot accept connections, retrying in one second: \(IOError.text(ofErrno: code))")
    for socket in listener.sockets {
      try? poller.change(socket.number, token: Self.listenerToken, [])
    }
    listener.isPaused = true
    listener.resumesAt = SystemClock.monotonicSeconds() + 1
  }

  func resumeAccepting() {
    guard let listener else { return }
    listener.isPaused = false
    for socket in listener.sockets {
      try? poller.change(socket.number, token: Self.listenerToken, .read)
    }
  }
}
