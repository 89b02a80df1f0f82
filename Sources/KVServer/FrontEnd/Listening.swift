import Base
import Net

/// Opens the sockets that the options name.
enum Listening {
  /// Binds all addresses, without accepting connections yet. If one fails, all are closed and the error is
  /// thrown; a failure of an address with the prefix `-` is logged and ignored.
  static func bindAddresses(_ options: ServerOptions) throws(Server.Failure) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    var port = options.port
    for name in options.addresses {
      let isOptional = name.hasPrefix("-")
      let address = isOptional ? String(name.dropFirst()) : name
      do throws(IOError) {
        sockets += try ListeningSocket.bind(address: address, port: port)
        // If the system chooses the port, all addresses use the same one.
        if port == 0 { port = sockets.last?.port ?? 0 }
      } catch {
        guard isOptional else {
          throw .cannotListen(address: address, port: port, reason: error.reason)
        }
        options.log("not listening on the optional address \(address): \(error.reason)")
      }
    }
    return sockets
  }

  /// Binds the Unix socket path, if there is one.
  static func bindPath(_ options: ServerOptions) throws(Server.Failure) -> ListeningSocket? {
    let path = options.unixSocketPath
    if path.isEmpty { return nil }
    do throws(IOError) {
      return try ListeningSocket.bind(path: path, mode: options.unixSocketMode)
    } catch {
      throw .cannotListenAt(path: path, reason: error.reason)
    }
  }

  /// Clients can connect once this returns.
  static func listen(
    _ sockets: [ListeningSocket], _ options: ServerOptions
  ) throws(Server.Failure) {
    for socket in sockets {
      do throws(IOError) {
        try socket.listen(backlog: options.backlog)
      } catch {
        throw .cannotListenAt(path: socket.name, reason: error.reason)
      }
    }
  }
}

extension IOError {
  /// The operation and the system's message, for messages that already name what it was done to.
  var reason: String {
    let text = IOError.text(ofErrno: errno)
    return operation == "resolve" ? "cannot resolve '\(path)': \(text)" : "\(operation): \(text)"
  }
}
