import Testing

@testable import KVServer

struct ScanCursorsTests {
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
