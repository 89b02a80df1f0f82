import Testing

@testable import KVServer

struct HeldRepliesTests {
  @Test func `only what stands before the first mark that is not durable may go`() {
    var held = HeldReplies()
    held.hold(from: 10, until: 100)
    held.hold(from: 20, until: 200)
    #expect(held.sendableByteCount(of: 30, durable: 99) == 10)
    #expect(held.sendableByteCount(of: 30, durable: 100) == 20)
    #expect(held.sendableByteCount(of: 30, durable: 200) == 30)
    #expect(held.isEmpty)
  }

  @Test func `marks keep their place as bytes before them leave`() {
    var held = HeldReplies()
    held.hold(from: 10, until: 100)
    held.didSend(10)
    #expect(held.sendableByteCount(of: 5, durable: 0) == 0)
    held.hold(from: 5, until: 200)
    #expect(held.sendableByteCount(of: 9, durable: 150) == 5)
    held.didSend(5)
    #expect(held.sendableByteCount(of: 4, durable: 150) == 0)
  }

  @Test func `a reply behind a held one is held with it`() {
    var held = HeldReplies()
    held.hold(from: 0, until: 100)
    held.hold(from: 5, until: 100)
    #expect(held.sendableByteCount(of: 10, durable: 99) == 0)
    #expect(held.sendableByteCount(of: 10, durable: 100) == 10)
  }
}
