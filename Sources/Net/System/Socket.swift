import Base
import CLinux
import Glibc

/// The socket calls, on sockets that do not block.
public enum Socket {
  /// The result of a read or write.
  public enum Transfer: Equatable {
    case moved(Int)
    case wouldBlock
    /// The peer has closed its sending side; only for reads.
    case ended
    case failed(Int32)
  }

  // MARK: Binding

  /// Sockets bound to `address` and `port`, one for each address that the name resolves to. Port 0 lets the
  /// system choose one port for all of them. Clients cannot connect before `listen`. getaddrinfo(3),
  /// socket(2), bind(2).
  ///
  /// Addresses that this machine does not have are skipped, as long as one remains.
  public static func bind(address: String, port: Int) throws(IOError) -> [Int32] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let host = address == "*" ? "0.0.0.0" : address == "::*" ? "::" : address
    let status = unsafe getaddrinfo(host, String(port), &hints, &found)
    guard status == 0 else { throw unresolved(address, status) }
    defer { unsafe freeaddrinfo(found) }
    var sockets: [Int32] = []
    var failure = unresolved(address, EAI_NONAME)
    var port = port
    var next = unsafe found
    while let info = unsafe next {
      unsafe next = info.pointee.ai_next
      do throws(IOError) {
        let descriptor = try unsafe bind(info.pointee, port: port)
        if port == 0 { port = localPort(descriptor.number) }
        sockets.append(descriptor.release())
      } catch {
        failure = error
        if [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.errno) { continue }
        for socket in sockets { _ = Descriptor(adopting: socket) }
        throw error
      }
    }
    guard !sockets.isEmpty else { throw failure }
    return sockets
  }

  /// A host name that does not resolve, for a reason of getaddrinfo(3).
  private static func unresolved(_ address: String, _ status: Int32) -> IOError {
    IOError(errno: status == EAI_SYSTEM ? errno : status, operation: "resolve", path: address)
  }

  private static func bind(_ info: addrinfo, port: Int) throws(IOError) -> Descriptor {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = try Descriptor(unsafe socket(info.ai_family, kind, 0), operation: "socket")
    var on: Int32 = 1
    unsafe _ = setsockopt(descriptor.number, SOL_SOCKET, SO_REUSEADDR, &on, 4)
    if unsafe info.ai_family == AF_INET6 {
      unsafe _ = setsockopt(descriptor.number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, 4)
    }
    var address = sockaddr_storage()
    let byteCount = unsafe min(Int(info.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
    let code = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: info.ai_addr, count: byteCount))
      // A port that the system chose for an earlier address is not in the result of getaddrinfo. It is at
      // the same offset in IPv4 and IPv6 addresses.
      unsafe bytes.storeBytes(of: UInt16(port).bigEndian, toByteOffset: 2, as: UInt16.self)
      return unsafe bytes.withMemoryRebound(to: sockaddr.self) {
        unsafe Glibc.bind(descriptor.number, $0.baseAddress!, socklen_t(byteCount))
      }
    }
    guard code == 0 else { throw IOError(errno: errno, operation: "bind", path: "port \(port)") }
    return descriptor
  }

  /// Lets clients connect to a bound socket; listen(2).
  public static func listen(_ number: Int32, backlog: Int) throws(IOError) {
    guard Glibc.listen(number, Int32(backlog)) == 0 else {
      throw IOError(errno: errno, operation: "listen", path: "descriptor \(number)")
    }
  }

  /// The longest path that fits into the address of a Unix socket with a zero byte after it, in bytes.
  public static let longestPath = 107

  /// A Unix socket bound to `path`. A socket file that nobody listens on is replaced. With `mode` 0 the
  /// permissions are left as the system sets them.
  public static func bind(path: String, mode: Int) throws(IOError) -> Descriptor {
    var address = sockaddr_un()
    let bytes = Array(path.utf8)
    guard bytes.count <= longestPath, !bytes.contains(0) else {
      throw IOError(errno: ENAMETOOLONG, operation: "the path of the Unix socket", path: path)
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
    guard unsafe use({ unsafe Glibc.bind(descriptor.number, $0, $1) }) == 0 else {
      throw IOError(errno: errno, operation: "bind", path: path)
    }
    guard unsafe mode == 0 || chmod(path, mode_t(mode)) == 0 else {
      throw IOError(errno: errno, operation: "chmod", path: path)
    }
    return descriptor
  }

  /// Removes the file of a Unix socket; unlink(2).
  public static func removeFile(_ path: String) { unsafe _ = unlink(path) }

  /// Makes the system probe the peer after `seconds` of silence and close the connection after three
  /// unanswered probes; setsockopt(2).
  public static func keepAlive(_ number: Int32, seconds: Int) {
    func set(_ level: Int32, _ name: Int32, _ value: Int) {
      var value = Int32(clamping: value)
      unsafe _ = setsockopt(number, level, name, &value, 4)
    }
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
    set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, seconds / 3))
    set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
  }

  public enum Acceptance {
    case accepted(Int32)
    case nothing
    /// Out of descriptors or memory: an immediate retry would only spin.
    case exhausted(Int32)
  }

  /// accept4(2); the new socket is non-blocking and does not delay small packets.
  public static func accept(_ listener: Int32) -> Acceptance {
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

  /// recv(2) after the tail of `buffer`, with room for `atLeast` bytes.
  public static func receive(
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
  public static func send(_ number: Int32, _ bytes: RawSpan) -> Transfer {
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

  /// shutdown(2) of the sending side: the peer reads what was sent and then end-of-file.
  public static func endSending(_ number: Int32) { _ = shutdown(number, Int32(SHUT_WR)) }

  /// getpeername(2), as `address:port`.
  public static func peerAddress(_ number: Int32) -> String {
    unsafe describe { unsafe getpeername(number, $0, $1) }
  }

  /// getsockname(2)
  public static func localAddress(_ number: Int32) -> String {
    unsafe describe { unsafe getsockname(number, $0, $1) }
  }

  public static func localPort(_ number: Int32) -> Int {
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
