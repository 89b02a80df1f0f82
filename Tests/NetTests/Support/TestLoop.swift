import Base
import Glibc
import Testing

@testable import Net

/// An event loop on a thread of its own, and connections to it.
final class TestLoop {
  let controls = LineProtocol.Controls()
  let handle: LoopHandle
  private let mailbox: Mailbox<LinePeer>
  private let registry = ConnectionRegistry<LinePeer>(limit: 100)
  private let thread: WorkerThread

  init() throws {
    handle = try LoopHandle()
    let mailbox = Mailbox<LinePeer>(handle)
    self.mailbox = mailbox
    let (controls, registry) = (controls, registry)
    let poller = try Poller.makeDescriptor().release()
    thread = try WorkerThread(attempting: "test-loop") {
      do throws(IOError) {
        let loop = try EventLoop(
          LineProtocol(controls), mailbox: mailbox, registry: registry,
          memory: BufferMemory(limit: 1 << 30), traffic: Traffic(),
          poller: Descriptor(adopting: poller), listener: nil)
        loop.run()
      } catch {
        fatalError("\(error)")
      }
    }
  }

  /// Connects a peer.
  func connect() throws -> TestPeer {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let peer = try #require(
      registry.enter(
        descriptor: ends[1], address: "", localAddress: "", isOnUnixSocket: true, now: 0))
    try #require(
      mailbox.hand(over: Mailbox.Accepted(descriptor: ends[1], peer: peer)))
    return TestPeer(ends[0], id: peer.connection.id)
  }

  func setDurable(_ position: UInt64) {
    controls.durable.store(position, ordering: .releasing)
    handle.signal(.progress)
  }

  func attempts(of peer: TestPeer) -> Int { controls.attempts.withLock { $0[peer.id] ?? 0 } }

  func stop() {
    handle.stop()
    thread.join()
  }
}

/// The other end of a connection.
final class TestPeer {
  let id: UInt64
  private let descriptor: Int32
  private var received: [UInt8] = []

  init(_ descriptor: Int32, id: UInt64) {
    self.descriptor = descriptor
    self.id = id
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    precondition(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  /// The next line; nil at the end. Waits for it.
  func line() -> String? {
    var searched = 0
    while true {
      if let end = received[searched...].firstIndex(of: 0x0A) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      searched = received.count
      var piece = [UInt8](repeating: 0, count: 65_536)
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { return nil }
      received += piece[..<count]
    }
  }

  /// Whether nothing has arrived.
  var hasNothing: Bool {
    var byte: UInt8 = 0
    return received.isEmpty && recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) < 0
  }
}
