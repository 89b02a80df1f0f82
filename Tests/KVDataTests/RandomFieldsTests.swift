import KVData
import Testing
import TxnWAL

@testable import KVStore

struct RandomFieldsTests {
  private func draw(
    _ count: Int, repeated: Bool = false, from fixture: DataFixture
  ) throws -> [[UInt8]] {
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    return try reader.withMap(at: bytes("m").rawSpan) { map, cut throws(StoreError) in
      var random = RandomFields(of: map!)
      var drawn: [[UInt8]] = []
      func add(_ field: RawSpan, _ value: RawSpan) -> Bool {
        #expect([UInt8](copying: field) == [UInt8](copying: value))
        drawn.append([UInt8](copying: field))
        return true
      }
      if repeated {
        try random.repeated(count, in: &cut, add)
      } else {
        try random.distinct(count, in: &cut, add)
      }
      return drawn
    }
  }

  private func fixture(_ count: Int) throws -> DataFixture {
    let fixture = try DataFixture()
    let fields = (0..<count).map { (field: bytes("f\($0)"), value: bytes("f\($0)")) }
    _ = try fixture.map("m").set(fields)
    return fixture
  }

  @Test(arguments: [1, 10, 4096, 6000])
  func `distinct fields are as many as were asked for, or all`(count: Int) throws {
    let fixture = try fixture(count)
    for wanted in [1, 2, count / 2, count - 1, count, count + 1] where wanted > 0 {
      let drawn = try draw(wanted, from: fixture)
      #expect(drawn.count == min(wanted, count))
      #expect(Set(drawn).count == drawn.count)
    }
  }

  @Test(arguments: [1, 10, 6000])
  func `repeated fields are exactly as many as were asked for`(count: Int) throws {
    let fixture = try fixture(count)
    for wanted in [1, 50] {
      #expect(try draw(wanted, repeated: true, from: fixture).count == wanted)
    }
  }

  @Test func `every field of a small map comes, with about the same likelihood`() throws {
    let fixture = try fixture(10)
    for repeated in [true, false] {
      var times: [[UInt8]: Int] = [:]
      for _ in 0..<1000 {
        for field in try draw(3, repeated: repeated, from: fixture) {
          times[field, default: 0] += 1
        }
      }
      // 300 each are expected; 100 would be twelve standard deviations away.
      #expect(times.count == 10)
      #expect(times.values.allSatisfy { $0 > 200 && $0 < 400 })
    }
  }

  @Test func `any field of a large map may come`() throws {
    let fixture = try fixture(5000)
    let drawn = Set(try draw(1000, repeated: true, from: fixture))
    // About 300 are expected: places are random, not fields. 150 would be ten standard deviations away.
    #expect(drawn.count > 150)
  }
}
