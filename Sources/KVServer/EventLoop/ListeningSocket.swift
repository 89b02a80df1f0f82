import Base
import Synchronization

/// A socket that clients connect to: an address and port, or a path.
final class ListeningSocket: Sendable {
  let number: Int32
  private let isClosed = Atomic<Bool>(false)
  /// The path of a Unix socket, removed when the socket is closed.
  let path: String?
  /// How messages name the socket.
  private let name: String

  /// Binds all addresses in the options, without accepting connections yet. If one fails, all are closed
  /// and the error is thrown; a failure of an address with the prefix `-` is logged and ignored.
  static func bindAddresses(_ options: ServerOptions) throws(Server.Failure) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    var port = options.port
    for name in options.addresses {
      let isOptional = name.hasPrefix("-")
      let address = isOptional ? String(name.dropFirst()) : name
      do throws(System.Failure) {
        for number in try System.bind(address: address, port: port) {
          // If the system chooses the port, all addresses use the same one.
          if port == 0 { port = System.localPort(number) }
          sockets.append(ListeningSocket(number, path: nil, name: "\(address) port \(port)"))
        }
      } catch {
        guard isOptional else {
          throw .cannotListen(address: address, port: port, reason: error.description)
        }
        options.log("not listening on the optional address \(address): \(error.description)")
      }
    }
    return sockets
  }

  /// Binds the Unix socket path in the options, if there is one. A socket file that nothing answers on is
  /// replaced, so the caller must call `listen` soon.
  static func bindPath(_ options: ServerOptions) throws(Server.Failure) -> ListeningSocket? {
    let path = options.unixSocketPath
    if path.isEmpty { return nil }
    do throws(System.Failure) {
      let descriptor = try System.bind(path: path, mode: options.unixSocketMode)
      return ListeningSocket(descriptor.release(), path: path, name: path)
    } catch {
      throw .cannotListenAt(path: path, reason: error.description)
    }
  }

  private init(_ number: Int32, path: String?, name: String) {
    self.number = number
    self.path = path
    self.name = name
  }

  deinit { close() }

  /// Clients can connect once this returns.
  func listen(backlog: Int) throws(Server.Failure) {
    do throws(System.Failure) {
      try System.listen(number, backlog: backlog)
    } catch {
      throw .cannotListenAt(path: name, reason: error.description)
    }
  }

  /// Clients can no longer connect. Idempotent.
  func close() {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    _ = Descriptor(adopting: number)
    if let path { System.removeSocket(path) }
  }

  var port: Int? { path == nil ? System.localPort(number) : nil }
}

extension System.Failure {
  /// The operation and the system's message.
  var description: String {
    switch self {
    case .code(let code, let operation): "\(operation): \(IOError.text(ofErrno: code))"
    case .name(let name, let code):
      "cannot resolve '\(name)': \(System.message(forName: code))"
    }
  }
}
