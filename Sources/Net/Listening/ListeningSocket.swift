import Base
import Synchronization

/// A socket that clients connect to: an address and port, or a path.
public final class ListeningSocket: Sendable {
  public let number: Int32
  private let isClosed = Atomic<Bool>(false)
  /// The path of a Unix socket, removed when the socket is closed.
  public let path: String?
  /// How messages name the socket.
  public let name: String

  /// Sockets bound to `address` and `port`, one for each address that the name resolves to; see
  /// `Socket.bind(address:port:)`. Clients cannot connect before `listen`.
  public static func bind(address: String, port: Int) throws(IOError) -> [ListeningSocket] {
    try Socket.bind(address: address, port: port).map { number in
      ListeningSocket(
        number, path: nil, name: "\(address) port \(port == 0 ? Socket.localPort(number) : port)")
    }
  }

  /// A Unix socket bound to `path`. A socket file that nothing answers on is replaced, so the caller must
  /// call `listen` soon. With `mode` 0 the permissions are left as the system sets them.
  public static func bind(path: String, mode: Int) throws(IOError) -> ListeningSocket {
    let descriptor = try Socket.bind(path: path, mode: mode)
    return ListeningSocket(descriptor.release(), path: path, name: path)
  }

  private init(_ number: Int32, path: String?, name: String) {
    self.number = number
    self.path = path
    self.name = name
  }

  deinit { close() }

  /// Clients can connect once this returns.
  public func listen(backlog: Int) throws(IOError) {
    try Socket.listen(number, backlog: backlog)
  }

  /// Clients can no longer connect. Idempotent.
  public func close() {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    _ = Descriptor(adopting: number)
    if let path { Socket.removeFile(path) }
  }

  public var port: Int? { path == nil ? Socket.localPort(number) : nil }
}
