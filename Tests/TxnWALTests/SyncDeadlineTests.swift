import Testing

@testable import TxnWAL

/// When a sync is due, with periodic durability.
@Suite struct SyncDeadlineTests {
  private static func at(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

  /// Story: the time was counted from the last sync that the writer's thread had made, and asked for only when it
  /// woke up. A request just before the second was over had it sleep for another one, so that two could be lost.
  @Test func `it counts from the oldest byte, whatever is written and asked later`() {
    var deadline = SyncDeadline()
    #expect(deadline.left(at: Self.at(7)) == nil)
    let isFirst = deadline.willWrite(at: Self.at(10_000))
    #expect(isFirst)
    for later in stride(from: 10_000, to: 10_499, by: 7) {
      let isFirst = deadline.willWrite(at: Self.at(later))
      #expect(!isFirst)
      #expect(deadline.left(at: Self.at(later)) == Self.at(10_500 - later))
    }
    #expect(deadline.left(at: Self.at(10_500)) == .zero)
    #expect(deadline.left(at: Self.at(60_000)) == .zero)
  }

  @Test func `a sync ends it, and what is written next begins again`() {
    var deadline = SyncDeadline()
    _ = deadline.willWrite(at: Self.at(0))
    deadline.didSync()
    #expect(deadline.left(at: Self.at(5000)) == nil)
    #expect(!deadline.isOver(at: Self.at(5000)))
    let isFirst = deadline.willWrite(at: Self.at(5000))
    #expect(isFirst)
    #expect(deadline.left(at: Self.at(5001)) == Self.at(499))
  }

  @Test func `nothing more is acknowledged when the window is used up`() {
    var deadline = SyncDeadline()
    #expect(!deadline.isOver(at: Self.at(0)))
    _ = deadline.willWrite(at: Self.at(100))
    #expect(!deadline.isOver(at: Self.at(1099)))
    #expect(deadline.isOver(at: Self.at(1100)))
  }

  @Test func `a sync has time left of the window when it begins`() {
    #expect(SyncDeadline.age < SyncDeadline.lossWindow)
  }

  @Test func `a clock that goes back makes a sync due`() {
    var deadline = SyncDeadline()
    _ = deadline.willWrite(at: Self.at(10_000))
    #expect(deadline.left(at: Self.at(9000)) == .zero)
    #expect(deadline.isOver(at: Self.at(9000)))
  }
}
