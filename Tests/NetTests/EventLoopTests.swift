import Testing

@testable import Net

@Suite struct EventLoopTests {
  @Test func `requests of a pipeline are answered in order`() throws {
    let loop = try TestLoop()
    let peer = try loop.connect()
    peer.send("a\nb\nc")
    #expect(peer.line() == "a")
    #expect(peer.line() == "b")
    peer.send("d\n")
    #expect(peer.line() == "cd")
    loop.stop()
  }

  @Test func `a response that waits holds back the later ones of its connection only`() throws {
    let loop = try TestLoop()
    let (first, second) = (try loop.connect(), try loop.connect())
    first.send("a\nhold 10\nb\n")
    #expect(first.line() == "a")
    second.send("hold 5\nc\n")
    loop.setDurable(5)
    #expect(second.line() == "hold 5")
    #expect(second.line() == "c")
    #expect(first.hasNothing)
    loop.setDurable(10)
    #expect(first.line() == "hold 10")
    #expect(first.line() == "b")
    loop.stop()
  }

  @Test func `when the log has failed the responses that wait become an error`() throws {
    let loop = try TestLoop()
    let peer = try loop.connect()
    peer.send("a\nhold 10\nb\n")
    #expect(peer.line() == "a")
    loop.controls.hasFailed.store(true, ordering: .releasing)
    loop.handle.signal(.progress)
    #expect(peer.line() == "unknown")
    #expect(peer.line() == nil)
    loop.stop()
  }

  /// The story: it was found on the list of those that wait again and again, and the loop did nothing else any more.
  @Test func `a failed log ends a connection of which nothing but silent requests wait`() throws {
    let loop = try TestLoop()
    let (silent, other) = (try loop.connect(), try loop.connect())
    silent.send("a\nsilent 10\n")
    #expect(silent.line() == "a")
    loop.controls.hasFailed.store(true, ordering: .releasing)
    loop.handle.signal(.progress)
    #expect(silent.line() == "unknown")
    #expect(silent.line() == nil)
    other.send("b\n")
    #expect(other.line() == "b")
    loop.stop()
  }

  /// The story: each signal retried every request that waited, whatever it waited for.
  @Test func `a signal wakes only those that it may help`() throws {
    let loop = try TestLoop()
    let one = try loop.connect()
    let two = try loop.connect()
    let three = try loop.connect()
    one.send("event 1\n")
    two.send("event 2\n")
    three.send("complete\n")
    let other = try loop.connect()
    func passTurns() {
      for _ in 0..<3 {
        other.send("turn\n")
        #expect(other.line() == "turn")
      }
    }
    passTurns()
    loop.handle.signal(.progress)
    loop.handle.signal(.event(3))
    passTurns()
    for peer in [one, two, three] { #expect(loop.attempts(of: peer) == 1) }
    loop.handle.signal(.event(2))
    #expect(two.line() == "event 2")
    loop.handle.complete(three.id)
    #expect(three.line() == "complete")
    passTurns()
    #expect(loop.attempts(of: one) == 1)
    #expect(one.hasNothing)
    loop.handle.signal(.event(1))
    #expect(one.line() == "event 1")
    loop.stop()
  }

  @Test func `room is found in order of arrival`() throws {
    let loop = try TestLoop()
    let peers = try (0..<3).map { _ in try loop.connect() }
    let other = try loop.connect()
    for peer in peers {
      peer.send("room\n")
      other.send("turn\n")
      #expect(other.line() == "turn")
    }
    for (index, peer) in peers.enumerated() {
      loop.controls.rooms.add(1, ordering: .releasing)
      loop.handle.signal(.progress)
      #expect(peer.line() == "room")
      for later in peers[(index + 1)...] { #expect(later.hasNothing) }
    }
    loop.stop()
  }

  @Test func `much output waits for its peer, and so do the requests after it`() throws {
    let loop = try TestLoop()
    let peer = try loop.connect()
    let count = 3 << 20
    peer.send("many \(count)\nmany \(count)\nlast\n")
    #expect(peer.line()?.utf8.count == count)
    #expect(peer.line()?.utf8.count == count)
    #expect(peer.line() == "last")
    loop.stop()
  }

  @Test func `a connection can be closed from another thread`() throws {
    let loop = try TestLoop()
    let peer = try loop.connect()
    peer.send("a\n")
    #expect(peer.line() == "a")
    loop.handle.close([peer.id])
    #expect(peer.line() == nil)
    loop.stop()
  }

  @Test func `a stop sends what becomes ready, and then closes`() throws {
    let loop = try TestLoop()
    let peer = try loop.connect()
    peer.send("a\nhold 3\n")
    #expect(peer.line() == "a")
    loop.handle.stop()
    loop.setDurable(3)
    #expect(peer.line() == "hold 3")
    #expect(peer.line() == nil)
    loop.stop()
  }
}
