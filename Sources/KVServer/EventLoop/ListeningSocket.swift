import Base
import Synchronization

/// A socket that clients connect to, on an address and a port or on a path.
final class ListeningSocket: Sendable {
  let number: Int32
  private let isClosed = Atomic<Bool>(false)
  /// Of a Unix socket; its name goes with it.
  let path: String?
  /// What it is called where something is wrong with it.
  private let name: String

  /// Takes the addresses and the port that the options tell of. Nothing stays behind if one of them is not to be
  /// had. Clients cannot connect yet.
  static func bindAddresses(_ options: ServerOptions) throws(Server.Failure) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    var port = options.port
    for name in options.addresses {
      let isOptional = name.hasPrefix("-")
      let address = isOptional ? String(name.dropFirst()) : name
      do throws(System.Failure) {
        for number in try System.bind(address: address, port: port) {
          // Where the system chooses the port, it is the same for all addresses.
          if port == 0 { port = System.localPort(number) }
          sockets.append(ListeningSocket(number, path: nil, name: "\(address) port \(port)"))
        }
      } catch {
        guard isOptional else {
          throw .cannotListen(address: address, port: port, reason: error.description)
        }
        options.log("not listening on \(address), which may be missing: \(error.description)")
      }
    }
    return sockets
  }

  /// Takes the path that the options tell of, if they do. What is found there and does not answer is replaced: so
  /// a socket must listen soon.
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

  /// From now on clients can connect.
  func listen(backlog: Int) throws(Server.Failure) {
    do throws(System.Failure) {
      try System.listen(number, backlog: backlog)
    } catch {
      throw .cannotListenAt(path: name, reason: error.description)
    }
  }

  /// From now on nobody can connect.
  func close() {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    _ = Descriptor(adopting: number)
    if let path { System.removeSocket(path) }
  }

  var port: Int? { path == nil ? System.localPort(number) : nil }
}

extension System.Failure {
  /// The operation and what the system says of it.
  var description: String {
    switch self {
    case .code(let code, let operation): "\(operation): \(IOError.text(ofErrno: code))"
    case .name(let name, let code):
      "the address '\(name)' is not known: \(System.message(forName: code))"
    }
  }
}
