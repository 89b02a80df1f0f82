import Glibc

/// A blocking RESP client of the tests' own, so that nothing of the server's reads its own mistakes.
final class TestClient: @unchecked Sendable {
  // Each client is used by one thread at a time: the one that made it or the one it was handed to.
  private let descriptor: Int32
  private var received: [UInt8] = []
  /// Bytes of `received` that were read already.
  private var head = 0
  /// The last time nothing came, and the connection was still open.
  private var hasWaitedLong = false

  init(port: Int, host: UInt32 = 0x7F00_0001) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = in_addr_t(host.bigEndian)
    limitWaiting()
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw TestFailure(message: "connect: \(errno)") }
  }

  /// Connects to the Unix socket at `path`.
  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    limitWaiting()
    guard Self.use(path, { connect(descriptor, $0, $1) }) == 0 else {
      throw TestFailure(message: "connect: \(errno)")
    }
  }

  private func limitWaiting() {
    var limit = timeval(tv_sec: Sanitizer.isOn ? 600 : 20, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Leaves the name of a Unix socket that nobody listens on, as a process does that was killed.
  static func leaveSocket(at path: String) throws {
    let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(left) }
    guard use(path, { bind(left, $0, $1) }) == 0 else {
      throw TestFailure(message: "bind: \(errno)")
    }
  }

  private static func use(
    _ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  deinit { shutdownAndClose() }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  static func encode(_ words: [String]) -> [UInt8] { encode(words.map { Array($0.utf8) }) }

  static func encode(_ arguments: [[UInt8]]) -> [UInt8] {
    var bytes = Array("*\(arguments.count)\r\n".utf8)
    for argument in arguments {
      bytes += Array("$\(argument.count)\r\n".utf8) + argument + [13, 10]
    }
    return bytes
  }

  /// Sends a command and returns its reply as text; see `reply()`.
  func ask(_ words: String...) throws -> String { try ask(words) }

  func ask(_ words: [String]) throws -> String {
    send(Self.encode(words))
    return try reply()
  }

  func ask(_ arguments: [[UInt8]]) throws -> String {
    send(Self.encode(arguments))
    return try reply()
  }

  /// The same for a command written on one line, its words separated by single spaces.
  func line(_ text: String) throws -> String {
    try ask(text.split(separator: " ", omittingEmptySubsequences: false).map(String.init))
  }

  /// The next reply in a short notation: `+OK`, `-ERR …`, `:1`, `$text`, `nil`, `[a b]`, `~[a b]`,
  /// `{a b}`.
  func reply() throws -> String {
    let header = try line()
    let rest = String(header.dropFirst())
    switch header.first {
    case "+", "-", ":": return header
    case "_": return "nil"
    case "$", "=":
      guard let count = Int(rest), count >= 0 else { return "nil" }
      let bytes = try take(count)
      _ = try take(2)
      return "$" + String(decoding: bytes, as: UTF8.self)
    case "*", "~":
      guard let count = Int(rest), count >= 0 else { return "nil" }
      return (header.first == "~" ? "~[" : "[")
        + (try (0..<count).map { _ in try reply() }).joined(separator: " ") + "]"
    case "%":
      let count = (Int(rest) ?? 0) * 2
      return "{" + (try (0..<count).map { _ in try reply() }).joined(separator: " ") + "}"
    default: throw TestFailure(message: "not a reply: \(header)")
    }
  }

  /// How many whole lines have come that nobody has read, without waiting for more.
  func receivedLineCount() -> Int {
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { break }
      received += chunk[..<count]
    }
    return received[head...].count { $0 == 10 }
  }

  /// Closes the socket with a reset, as the system of a client does that has crashed.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    shutdownAndClose()
  }

  private var isClosed = false

  private func shutdownAndClose() {
    guard !isClosed else { return }
    isClosed = true
    close(descriptor)
  }

  /// Whether the server has closed the connection by now and left nothing to read.
  func isClosedAlready() -> Bool {
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) == 0
  }

  /// Whether the server closes the connection with nothing more to read. Waits for it, though not forever.
  func isClosedByServer() -> Bool { head == received.count && !fill() && !hasWaitedLong }

  private func line() throws -> String {
    var searched = head
    while true {
      if let end = received[searched...].firstIndex(of: 13), end + 1 < received.count {
        let text = String(decoding: received[head..<end], as: UTF8.self)
        head = end + 2
        return text
      }
      searched = max(head, received.count - 1)
      let before = head
      guard fill() else { throw TestFailure(message: "closed by the server") }
      searched -= before - head
    }
  }

  private func take(_ count: Int) throws -> ArraySlice<UInt8> {
    while received.count - head < count {
      guard fill() else { throw TestFailure(message: "closed by the server") }
    }
    defer { head += count }
    return received[head..<(head + count)]
  }

  private func fill() -> Bool {
    if head > 1 << 16, head * 2 > received.count {
      received.removeFirst(head)
      head = 0
    }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else {
      hasWaitedLong = count < 0 && errno == EAGAIN
      return false
    }
    received += chunk[..<count]
    return true
  }
}
