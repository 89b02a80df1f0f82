import Base
import KVData
import Synchronization
import Testing

@testable import KVStore

/// `Store.resetClock`, which `kvd recover --reset-clock` calls.
@Suite struct ClockResetTests {
  private static let hour: Int64 = 3_600_000

  /// A clock that a test sets.
  private final class TestClock: Sendable {
    let wall = Atomic<Int64>(1_800_000_000_000)
    let monotonic = Atomic<Int64>(0)

    var source: ClockSource {
      ClockSource(
        wallNanoseconds: { self.wall.load(ordering: .relaxed) * 1_000_000 },
        monotonicNanoseconds: { self.monotonic.load(ordering: .relaxed) * 1_000_000 })
    }

    func set(by milliseconds: Int64) { wall.add(milliseconds, ordering: .relaxed) }
  }

  private let clock = TestClock()

  private func put(_ key: String, expiry: UInt64, in fixture: DataFixture) throws {
    try fixture.write { evaluation throws(StoreError) in
      try Records.replace(
        bytes(key).rawSpan, with: [1].rawSpan, expiry: expiry, in: &evaluation)
    }
  }

  @Test func `what has expired is removed first, maps with their fields, and stays gone`() throws {
    let fixture = try DataFixture { $0.clock = clock.source }
    let start = fixture.store.now
    for number in 0..<200 { try put("short \(number)", expiry: start + 1000, in: fixture) }
    try fixture.map("map").set((0..<600).map { (bytes("\($0)"), [1]) })
    try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(start + 1000, of: bytes("map").rawSpan, in: &evaluation)
    }
    try put("long", expiry: start + UInt64(10 * Self.hour), in: fixture)
    clock.set(by: 2 * Self.hour)
    #expect(try fixture.store.get(bytes("short 1")) == nil)
    clock.set(by: -2 * Self.hour)
    #expect(fixture.store.clockLead == UInt64(2 * Self.hour))
    try put("later", expiry: fixture.store.now + 1000, in: fixture)
    let reset = try fixture.store.resetClock()
    #expect(reset.lead == UInt64(2 * Self.hour))
    #expect(reset.removedCount == 201)
    for _ in 0..<2 {
      #expect(fixture.store.clockLead == 0)
      #expect(fixture.store.now == start)
      #expect(try fixture.store.get(bytes("short 1")) == nil)
      #expect(try fixture.map("map").count() == 0)
      #expect(try fixture.fieldCount() == 0)
      #expect(try fixture.store.get(bytes("long")) == [1])
      // Given while the clock was ahead, so by that much longer.
      #expect(try fixture.store.get(bytes("later")) == [1])
      #expect(try fixture.store.countEntries() == 2)
      try fixture.reopen()
    }
    clock.set(by: 2 * Self.hour + 1000)
    #expect(try fixture.store.get(bytes("later")) == nil)
  }

  @Test func `without an entry that expires, and with a clock that is right, it changes nothing`()
    throws
  {
    let fixture = try DataFixture { $0.clock = clock.source }
    try fixture.store.put(bytes("k"), [1])
    let reset = try fixture.store.resetClock()
    #expect(reset.lead == 0 && reset.removedCount == 0)
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("k")) == [1])
    #expect(try fixture.store.countEntries() == 1)
  }
}
