import KVStore
import Testing
import TxnWAL

@testable import KVServer

struct ScanCursorsTests {
  @Test(
    arguments: [
      ("0", 0), ("17", 17), ("", 0), ("-0", 0), ("007", 7), ("+5", 5), ("-1", UInt64.max),
      ("\0x", 0), ("5\0x", 5), ("18446744073709551615", UInt64.max),
      ("18446744073709551616", nil), ("x", nil), ("1x", nil), (" 1", nil), ("1 ", nil), ("-", nil),
      ("+", nil), ("--1", nil), ("-\0", nil), ("1.0", nil),
    ] as [(String, UInt64?)])
  func `a cursor is read as strtoul reads it`(text: String, value: UInt64?) {
    #expect(Array(text.utf8).withRawBytes { ScanCursors.parse($0) } == value)
  }

  private static let store = StoreID.random()

  private static func table(pending: Int = 100, used: Int = 10) -> ScanCursors {
    ScanCursors(store: store, pendingCount: pending, usedCount: used)
  }

  @Test func `a cursor stands for its key as often as it is used`() {
    let cursors = Self.table()
    let cursor = cursors.handOut([1, 2], in: cursors.keys)
    for _ in 0..<3 { #expect(cursors.position(of: cursor, in: cursors.keys) == [1, 2]) }
  }

  @Test func `a cursor never handed out, or handed out for something else, is unknown`() {
    let cursors = Self.table()
    let fields = [7].withRawBytes { cursors.fields(of: $0) }
    let cursor = cursors.handOut([1], in: cursors.keys)
    #expect(cursors.position(of: cursor &+ 1, in: cursors.keys) == nil)
    #expect(cursors.position(of: cursor, in: fields) == nil)
  }

  @Test func `the cursor of a key is the same after a restart, and another elsewhere`() {
    let (one, other) = (Self.table(), Self.table())
    let foreign = ScanCursors(store: .random())
    for length in 0..<40 {
      let key = (0..<length).map { UInt8($0) }
      let cursor = one.handOut(key, in: one.keys)
      #expect(cursor > 0 && cursor < 1 << 52)
      #expect(other.handOut(key, in: other.keys) == cursor)
      #expect(foreign.handOut(key, in: foreign.keys) != cursor)
      let fields = [UInt8](arrayLiteral: 1).withRawBytes { one.fields(of: $0) }
      #expect(one.handOut(key, in: fields) != cursor)
    }
  }

  @Test func `many pages of a fast client do not push out the cursor of a slow one`() {
    let cursors = Self.table()
    let slow = cursors.handOut([0], in: cursors.keys)
    for number in 1..<10_000 {
      let key = [1, UInt8(number >> 8), UInt8(number & 255)]
      let fast = cursors.handOut(key, in: cursors.keys)
      #expect(cursors.position(of: fast, in: cursors.keys) == key)
    }
    #expect(cursors.position(of: slow, in: cursors.keys) == [0])
  }

  @Test func `one page begun again and again, or by several, is one cursor`() {
    let cursors = Self.table()
    let slow = cursors.handOut([0], in: cursors.keys)
    for _ in 0..<10_000 { _ = cursors.handOut([1], in: cursors.keys) }
    // Another comes to where the slow one stands, and goes on.
    #expect(cursors.handOut([0], in: cursors.keys) == slow)
    #expect(cursors.position(of: slow, in: cursors.keys) == [0])
    for number in 0..<100 {
      let used = cursors.handOut([2, UInt8(number)], in: cursors.keys)
      _ = cursors.position(of: used, in: cursors.keys)
    }
    #expect(cursors.position(of: slow, in: cursors.keys) == [0])
  }

  @Test func `iterations that are given up are forgotten, the oldest first`() {
    let cursors = Self.table(pending: 10)
    let all = (0..<1000).map { number in
      cursors.handOut([UInt8(number >> 8), UInt8(number & 255)], in: cursors.keys)
    }
    let known = all.filter { cursors.position(of: $0, in: cursors.keys) != nil }
    #expect(known.count >= 10 && known.count <= 20)
    #expect(known == Array(all.suffix(known.count)))
  }
}
