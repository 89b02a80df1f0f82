import Testing

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

  @Test func `a cursor stands for its key as often as it is used`() {
    let cursors = ScanCursors()
    let cursor = cursors.remember([1, 2])
    #expect(cursors.key(of: cursor) == [1, 2])
    #expect(cursors.key(of: cursor) == [1, 2])
  }

  @Test func `a cursor never handed out is unknown`() {
    let cursors = ScanCursors(first: 100)
    #expect(cursors.key(of: 0) == nil)
    #expect(cursors.key(of: 100) == nil)
    #expect(cursors.remember([1]) == 100)
    #expect(cursors.key(of: 101) == nil)
  }

  @Test func `a full table forgets the cursor unused for longest`() {
    let cursors = ScanCursors(capacity: 3)
    let first = cursors.remember([1])
    let second = cursors.remember([2])
    let third = cursors.remember([3])
    #expect(cursors.key(of: first) == [1])
    let fourth = cursors.remember([4])
    #expect(cursors.key(of: second) == nil)
    #expect(cursors.key(of: first) == [1])
    #expect(cursors.key(of: third) == [3])
    #expect(cursors.key(of: fourth) == [4])
  }
}
