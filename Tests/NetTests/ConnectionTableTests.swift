import Glibc
import Testing

@testable import Net

@Suite struct ConnectionTableTests {
  private static func connection(_ id: UInt64) -> Connection<Void> {
    let record = ConnectionRecord(
      id: id, address: "", localAddress: "", descriptor: -1, now: 0)
    return Connection(Descriptor(adopting: dup(0)), record: record, context: ())
  }

  /// The poller may have reported events of the connection that was there.
  @Test func `a place is not used again in the turn in which it became free`() {
    var table = ConnectionTable<Void>()
    let first = Self.connection(1)
    table.insert(first)
    let isRemoved = table.remove(first)
    let isRemovedAgain = table.remove(first)
    #expect(isRemoved)
    #expect(!isRemovedAgain)
    let second = Self.connection(2)
    table.insert(second)
    #expect(second.token != first.token)
    #expect(table[token: first.token] == nil)
    table.beginTurn()
    let third = Self.connection(3)
    table.insert(third)
    #expect(third.token == first.token)
    #expect(table[token: third.token] === third)
    #expect(table[id: 2] === second)
    #expect(table.count == 2)
  }
}
