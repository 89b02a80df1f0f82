import Base
import Testing

@testable import Net

/// A queue in a class, because an expectation cannot change a noncopyable value.
private final class TestQueue {
  var queue = ResponseQueue()

  func append(_ text: String, until position: UInt64 = 0) {
    if position > 0 { queue.waits.hold(from: queue.count, until: position) }
    for byte in text.utf8 { queue.bytes.append(byte) }
  }

  func ready(_ durable: UInt64) -> Int { queue.readyByteCount(durable: durable) }

  func beginIncomplete() -> ResponseWaits.Incomplete { queue.beginIncomplete() }

  func complete(
    _ response: ResponseWaits.Incomplete, _ text: String, waitsFor position: UInt64 = 0
  ) {
    let bytes = Array(text.utf8)
    queue.complete(response, bytes.span.bytes, waitsFor: position)
  }

  func dropWaiting(_ durable: UInt64) -> Bool { queue.dropWaiting(durable: durable) }

  func didSend(_ count: Int) { queue.didSend(count) }

  /// The first `count` bytes, all of them if nil.
  func text(_ count: Int? = nil) -> String {
    queue.bytes.withBytes { bytes in
      String(
        decoding: (0..<(count ?? bytes.byteCount)).map { bytes.load(at: $0, as: UInt8.self) },
        as: UTF8.self)
    }
  }
}

@Suite struct ResponseQueueTests {
  @Test func `only what stands before the first response that waits may go`() {
    let queue = TestQueue()
    queue.append("0123456789")
    queue.append("abcdefghij", until: 100)
    queue.append("ABCDEFGHIJ", until: 200)
    #expect(queue.ready(99) == 10)
    #expect(queue.ready(100) == 20)
    #expect(queue.queue.waits.firstPosition == 200)
    #expect(queue.ready(200) == 30)
    #expect(queue.queue.waits.isEmpty)
  }

  @Test func `responses keep their place as bytes before them leave`() {
    let queue = TestQueue()
    queue.append("0123456789")
    queue.append("abcde", until: 100)
    queue.didSend(10)
    #expect(queue.ready(0) == 0)
    queue.append("ABCD", until: 200)
    #expect(queue.ready(150) == 5)
    queue.didSend(5)
    #expect(queue.ready(150) == 0)
    #expect(queue.text(4) == "ABCD")
  }

  @Test func `a response after one that waits waits with it`() {
    let queue = TestQueue()
    queue.append("abcde", until: 100)
    queue.append("ABCDE", until: 100)
    queue.append("FG")
    #expect(queue.queue.waits.count == 1)
    #expect(queue.ready(99) == 0)
    #expect(queue.ready(100) == 12)
  }

  @Test func `responses that wait can be dropped`() {
    let queue = TestQueue()
    queue.append("ready")
    queue.append("lost", until: 7)
    #expect(queue.dropWaiting(6))
    #expect(queue.queue.waits.isEmpty)
    #expect(queue.text() == "ready")
    #expect(!queue.dropWaiting(6))
  }

  @Test func `an incomplete response holds back the later ones until it has its bytes`() {
    let queue = TestQueue()
    queue.append("a")
    let first = queue.beginIncomplete()
    queue.append("c")
    let second = queue.beginIncomplete()
    queue.append("e", until: 5)
    #expect(queue.ready(.max - 1) == 1)
    queue.complete(second, "dd")
    #expect(queue.ready(.max - 1) == 1)
    queue.complete(first, "b", waitsFor: 9)
    #expect(queue.ready(8) == 1)
    #expect(queue.ready(9) == 6)
    #expect(queue.text(6) == "abcdde")
  }

  /// Random responses, sent in random parts, against a list of them.
  @Test(arguments: 1...20) func `what is sent is what was written, never too early`(seed: UInt64) {
    var random = Random(seed: seed)
    let queue = TestQueue()
    var model: [(byte: UInt8, position: UInt64)] = []
    var open: [(response: ResponseWaits.Incomplete, byte: UInt8)] = []
    var durable: UInt64 = 0
    var written: UInt8 = 0
    for _ in 0..<3_000 {
      switch random.next(6) {
      case 0, 1:
        let position = random.next(2) == 0 ? 0 : durable + UInt64(random.next(20))
        queue.append(String(UnicodeScalar(written % 128)), until: position)
        model.append((written % 128, position))
        written &+= 1
      case 2 where open.count < 3:
        open.append((queue.beginIncomplete(), written % 128))
        model.append((written % 128, .max))
        written &+= 1
      case 3 where !open.isEmpty:
        let (response, byte) = open.remove(at: random.next(open.count))
        let place = model.lastIndex { $0.byte == byte && $0.position == .max }!
        model[place].position = durable + 3
        queue.complete(response, String(UnicodeScalar(byte)), waitsFor: durable + 3)
      case 4: durable += UInt64(random.next(8))
      default:
        let ready = queue.ready(durable)
        let expected = model.prefix { $0.position <= durable }.count
        #expect(ready == expected, "seed \(seed)")
        guard ready == expected, ready > 0 else { continue }
        let count = 1 + random.next(ready)
        #expect(queue.text(count).utf8.elementsEqual(model.prefix(count).map(\.byte)))
        queue.didSend(count)
        model.removeFirst(count)
      }
    }
  }
}
