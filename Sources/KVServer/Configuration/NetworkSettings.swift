import Net

/// Where the server listens.
extension Setting {
  static let network: [Setting] = [
    bind,
    .integer(
      "port", .network, .start, \.port, in: 0...65_535, "TCP port; 0 lets the system choose."),
    unixSocket,
    unixSocketMode,
    .integer(
      "tcp-backlog", .network, .start, \.backlog, in: 1...65_535,
      "The length of the queue of connections that wait to be accepted."),
    .integer(
      "tcp-keepalive", .network, .any, \.keepAliveSeconds, in: 0...Int(Int32.max),
      "After how many idle seconds the system probes whether a client is still reachable; 0 for never. "
        + "Dead connections are closed after twice that time. Applies to new connections."),
    .integer(
      "io-threads", .network, .start, \.ioThreadCount, in: 1...128,
      "Threads that serve connections."),
  ]

  private static let bind = Setting(
    "bind", .network, .start, form: "ADDRESS...", takesWords: true,
    "IPv4 or IPv6 addresses or host names, separated by spaces; * means all IPv4 and ::* all IPv6 addresses. "
      + "An address prefixed with - may be unavailable.",
    text: { $0.addresses.joined(separator: " ") },
    set: { (words, options) throws(SettingRefusal) in
      let addresses = words.flatMap { $0.split(separator: " ").map(String.init) }
      guard !addresses.isEmpty else { throw SettingRefusal("must have at least one address") }
      guard addresses.count <= 16 else { throw SettingRefusal("must have at most 16 addresses") }
      options.addresses = addresses
    })

  private static let unixSocket = Setting(
    "unixsocket", .network, .start, form: "PATH",
    "A Unix socket to listen on as well. A stale socket file is replaced.",
    text: { $0.unixSocketPath },
    set: { (words, options) throws(SettingRefusal) in
      guard words[0].utf8.count <= Socket.longestPath else {
        throw SettingRefusal("must be a path of at most \(Socket.longestPath) bytes")
      }
      options.unixSocketPath = words[0]
    })

  private static let unixSocketMode = Setting(
    "unixsocketperm", .network, .start, form: "MODE",
    "The permissions of the Unix socket, in octal; 0 to use the umask.",
    text: { String($0.unixSocketMode, radix: 8) },
    set: { (words, options) throws(SettingRefusal) in
      guard let mode = Int(words[0], radix: 8), (0...0o777).contains(mode) else {
        throw SettingRefusal(
          "argument couldn't be parsed as an octal number",
          demand: "must be an octal number from 0 to 777")
      }
      options.unixSocketMode = mode
    })
}
