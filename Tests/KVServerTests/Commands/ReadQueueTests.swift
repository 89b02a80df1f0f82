import Testing

@testable import KVServer

/// Eight connections of one client once held all threads for long reads, and everyone else waited for theirs.
struct ReadQueueTests {
  private final class Read: QueuedRead {
    private let kept: ReadOwner
    /// How often the queue has asked whose it is.
    private(set) var questionCount = 0
    let isResumption: Bool

    var owner: ReadOwner {
      questionCount += 1
      return kept
    }

    init(_ host: String, isResumption: Bool = false) {
      kept = ReadOwner(user: [], host: host)
      self.isResumption = isResumption
    }
  }

  private static func queue(_ reads: [Read]) -> ReadQueue<Read> {
    var queue = ReadQueue<Read>(threadLimit: 8)
    for read in reads { queue.append(read) }
    return queue
  }

  private static func begin(_ queue: inout ReadQueue<Read>) -> [String] {
    var begun: [String] = []
    while let read = queue.takeNext() { begun.append(read.owner.host) }
    return begun
  }

  @Test func `one owner gets half of the threads, and each other one a part of the rest`() {
    var queue = Self.queue((0..<20).map { _ in Read("a") })
    #expect(Self.begin(&queue) == ["a", "a", "a", "a"])
    for host in ["b", "c", "d", "e"] {
      for _ in 0..<3 { queue.append(Read(host)) }
    }
    #expect(Self.begin(&queue) == ["b", "c", "d", "e"])
    #expect(queue.running.count == 8)
    #expect(queue.waitingCount == 24)
  }

  @Test func `owners take turns, and all is carried out in the end`() {
    var queue = Self.queue((0..<6).map { _ in Read("a") } + (0..<6).map { _ in Read("b") })
    var begun = Self.begin(&queue)
    while let read = queue.running.first {
      queue.didEnd(read)
      begun += Self.begin(&queue)
    }
    #expect(begun.prefix(4) == ["a", "b", "a", "b"])
    #expect(begun.count == 12)
    #expect(queue.waitingCount == 0)
  }

  /// Event loops wait for that meanwhile.
  @Test func `those of an owner that has its threads are not gone through`() {
    let reads = (0..<1_000).map { _ in Read("a") }
    var queue = Self.queue(reads)
    #expect(Self.begin(&queue).count == 4)
    let before = reads.reduce(0) { $0 + $1.questionCount }
    #expect(queue.takeNext() == nil)
    #expect(reads.reduce(0) { $0 + $1.questionCount } - before < 100)
  }

  @Test func `of searches for cursors one runs, and nothing waits behind the others`() {
    let searches = (0..<3).map { _ in Read("a", isResumption: true) }
    var queue = Self.queue(searches + [Read("a"), Read("b", isResumption: true), Read("b")])
    #expect(Self.begin(&queue) == ["a", "b", "a"])
    queue.didEnd(searches[0])
    #expect(queue.takeNext()?.isResumption == true)
    #expect(queue.takeNext() == nil)
  }

  @Test func `one that nobody wants leaves at once, and one that could not be begun is the next`() {
    let reads = (0..<3).map { _ in Read("a") }
    var queue = Self.queue(reads)
    queue.remove(reads[1])
    #expect(queue.waitingCount == 2)
    let first = queue.takeNext()
    #expect(first === reads[0])
    queue.putBack(reads[0])
    #expect(queue.running.isEmpty)
    #expect(queue.takeNext() === reads[0])
    #expect(queue.takeNext() === reads[2])
    #expect(queue.takeNext() == nil)
    #expect(queue.takeWaiting().isEmpty)
  }
}
