import Synchronization
import TxnWAL

/// A socket that clients connect to, on an address and a port or on a path.
final class ListeningSocket: Sendable {
  let number: Int32
  private let isClosed = Atomic<Bool>(false)
  /// Of a Unix socket; its name goes with it.
  let path: String?

  /// Listens on all that the options name. Nothing stays behind if one of them is not to be had.
  static func open(_ options: ServerOptions) throws(Server.Failure) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    var port = options.port
    for name in options.addresses {
      let isOptional = name.hasPrefix("-")
      let address = isOptional ? String(name.dropFirst()) : name
      do throws(System.Failure) {
        let descriptor = try System.listen(
          address: address, port: port, backlog: options.backlog)
        // Where the system chooses the port, it is the same for all addresses.
        if port == 0 { port = System.localPort(descriptor.number) }
        sockets.append(ListeningSocket(descriptor, path: nil))
      } catch {
        guard isOptional else {
          throw .cannotListen(address: address, port: port, reason: error.description)
        }
        options.log("not listening on \(address), which may be missing: \(error.description)")
      }
    }
    if !options.unixSocketPath.isEmpty {
      do throws(System.Failure) {
        let descriptor = try System.listen(
          path: options.unixSocketPath, mode: options.unixSocketMode, backlog: options.backlog)
        sockets.append(ListeningSocket(descriptor, path: options.unixSocketPath))
      } catch {
        throw .cannotListenAt(path: options.unixSocketPath, reason: error.description)
      }
    }
    return sockets
  }

  private init(_ descriptor: consuming Descriptor, path: String?) {
    number = descriptor.release()
    self.path = path
  }

  deinit { close() }

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
    case .code(let code, let operation): "\(operation): \(SystemCall.message(for: code))"
    }
  }
}
