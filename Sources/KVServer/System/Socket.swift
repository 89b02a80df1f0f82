import CLinux
import Glibc

/// The socket calls.
extension System {
  /// socket(2), bind(2), listen(2) on a numeric address; port 0 lets the system choose.
  static func listen(address: String, port: Int, backlog: Int) throws(Failure) -> Descriptor {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(address, String(port), &hints, &found) == 0, let info = unsafe found
    else { throw .code(EINVAL, operation: "reading the address \(address)") }
    defer { unsafe freeaddrinfo(found) }
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = try Descriptor(
      unsafe socket(info.pointee.ai_family, kind, 0), operation: "socket")
    var on: Int32 = 1
    unsafe _ = setsockopt(descriptor.number, SOL_SOCKET, SO_REUSEADDR, &on, 4)
    if unsafe info.pointee.ai_family == AF_INET6 {
      unsafe _ = setsockopt(descriptor.number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, 4)
    }
    guard
      unsafe bind(descriptor.number, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0
    else { throw .code(errno, operation: "bind") }
    guard Glibc.listen(descriptor.number, Int32(backlog)) == 0 else {
      throw .code(errno, operation: "listen")
    }
    return descriptor
  }

  /// The same on a Unix socket. One that nobody listens on any more is replaced.
  static func listen(path: String, mode: Int, backlog: Int) throws(Failure) -> Descriptor {
    var address = sockaddr_un()
    let bytes = Array(path.utf8)
    guard bytes.count < 108, !bytes.contains(0) else {
      throw .code(ENAMETOOLONG, operation: "the path of the Unix socket")
    }
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    func use(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
    let probe = try Descriptor(socket(AF_UNIX, kind, 0), operation: "socket")
    let isRefused =
      unsafe use { unsafe connect(probe.number, $0, $1) } != 0 && errno == ECONNREFUSED
    if isRefused { unsafe unlink(path) }
    let descriptor = try Descriptor(socket(AF_UNIX, kind, 0), operation: "socket")
    guard unsafe use({ unsafe bind(descriptor.number, $0, $1) }) == 0 else {
      throw .code(errno, operation: "bind")
    }
    guard unsafe mode == 0 || chmod(path, mode_t(mode)) == 0 else {
      throw .code(errno, operation: "chmod")
    }
    guard Glibc.listen(descriptor.number, Int32(backlog)) == 0 else {
      throw .code(errno, operation: "listen")
    }
    return descriptor
  }

  /// Removes the name of a Unix socket; unlink(2).
  static func removeSocket(_ path: String) { unsafe _ = unlink(path) }

  /// Lets the system ask after `seconds` of silence whether the peer is still there, and give it up when
  /// three questions stay without an answer; setsockopt(2).
  static func keepAlive(_ number: Int32, seconds: Int) {
    func set(_ level: Int32, _ name: Int32, _ value: Int) {
      var value = Int32(clamping: value)
      unsafe _ = setsockopt(number, level, name, &value, 4)
    }
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
    set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, seconds / 3))
    set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
  }

  enum Acceptance {
    case accepted(Int32)
    case nothing
    /// Out of descriptors or memory: trying again at once would only spin.
    case exhausted(Int32)
  }

  /// accept4(2); the new socket does not block and does not delay small packets.
  static func accept(_ listener: Int32) -> Acceptance {
    let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    while true {
      let number = accept4(listener, nil, nil, flags)
      if number >= 0 {
        var on: Int32 = 1
        unsafe _ = setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return .accepted(number)
      }
      switch errno {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(errno)
      case EINTR, ECONNABORTED, EPROTO: continue
      default: return .nothing
      }
    }
  }

  /// recv(2) behind the tail of `buffer`, with room for `atLeast` bytes.
  static func receive(
    _ number: Int32, into buffer: inout ByteBuffer, atLeast: Int, atMost: Int
  ) -> Transfer {
    var outcome = Transfer.wouldBlock
    unsafe buffer.fillTail(atLeast: atLeast, atMost: atMost) { room in
      while true {
        let count = unsafe recv(number, room.baseAddress, room.count, 0)
        if count > 0 {
          outcome = .moved(count)
          return count
        }
        if count == 0 {
          outcome = .ended
          return 0
        }
        switch errno {
        case EINTR: continue
        case EAGAIN: outcome = .wouldBlock
        default: outcome = .failed(errno)
        }
        return 0
      }
    }
    return outcome
  }

  /// send(2), without SIGPIPE.
  static func send(_ number: Int32, _ bytes: RawSpan) -> Transfer {
    unsafe bytes.withUnsafeBytes { source in
      while true {
        let count = unsafe Glibc.send(
          number, source.baseAddress, source.count, Int32(MSG_NOSIGNAL))
        if count >= 0 { return .moved(count) }
        switch errno {
        case EINTR: continue
        case EAGAIN: return .wouldBlock
        default: return .failed(errno)
        }
      }
    }
  }

  /// shutdown(2) of the sending side: the peer reads what was sent and then the end.
  static func endSending(_ number: Int32) { _ = shutdown(number, Int32(SHUT_WR)) }

  /// getpeername(2) as Redis writes it, `address:port`.
  static func peerAddress(_ number: Int32) -> String {
    unsafe describe { unsafe getpeername(number, $0, $1) }
  }

  /// getsockname(2)
  static func localAddress(_ number: Int32) -> String {
    unsafe describe { unsafe getsockname(number, $0, $1) }
  }

  static func localPort(_ number: Int32) -> Int {
    Int(localAddress(number).split(separator: ":").last ?? "") ?? 0
  }

  private static func describe(
    _ name: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> String {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let isKnown = unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard unsafe name(address, &length) == 0 else { return false }
        return unsafe getnameinfo(
          address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
          NI_NUMERICHOST | NI_NUMERICSERV) == 0
      }
    }
    guard isKnown else { return "?:0" }
    let hostText = text(host)
    return (hostText.contains(":") ? "[\(hostText)]" : hostText) + ":" + text(port)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
