import Testing

@testable import Net

@Suite struct QueueTests {
  @Test func `the first in is the first out`() {
    var queue = Queue<Int>()
    for number in 0..<5_000 {
      queue.append(number)
      queue.append(-number)
      #expect(queue.first == (number % 2 == 0 ? number / 2 : -(number / 2)))
      queue.removeFirst()
    }
    #expect(!queue.isEmpty)
  }

  /// A connection that was closed would stay open to its peer.
  @Test func `what was removed is not kept`() {
    final class Element {}
    var queue = Queue<Element>()
    var positions = PositionQueue<Element>()
    weak var element: Element?
    do {
      let new = Element()
      element = new
      queue.append(new)
      positions.insert(new, at: 1)
    }
    queue.append(Element())
    positions.insert(Element(), at: 2)
    #expect(element != nil)
    queue.removeFirst()
    _ = positions.takeFirst(upTo: 1)
    #expect(element == nil)
  }

  @Test(arguments: 1...10) func `a position takes those that wait for it or for less`(seed: UInt64)
  {
    var random = Random(seed: seed)
    var queue = PositionQueue<UInt64>()
    var model: [UInt64] = []
    var reached: UInt64 = 0
    for _ in 0..<5_000 {
      if random.next(3) > 0 {
        let position = reached + 1 + UInt64(random.next(50))
        queue.insert(position, at: position)
        model.append(position)
      } else {
        reached += UInt64(random.next(20))
        let expected = model.filter { $0 <= reached }.sorted()
        var taken: [UInt64] = []
        while let position = queue.takeFirst(upTo: reached) { taken.append(position) }
        #expect(taken == expected, "seed \(seed)")
        model.removeAll { $0 <= reached }
      }
      #expect(queue.isEmpty == model.isEmpty)
    }
    var rest: [UInt64] = []
    while let position = queue.takeFirst(upTo: .max) { rest.append(position) }
    #expect(rest == model.sorted())
    #expect(queue.isEmpty)
  }
}
