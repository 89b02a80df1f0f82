import Base
import KVData
import Testing

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

  @Test(arguments: [1, 10, 1024, 1025, 6000])
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

  /// SPOP of two thousand of ten million members visited all of them, while all writers waited.
  @Test(arguments: [1, 20, 1000, 2000, 8000])
  func `how many fields are visited depends on how many are drawn`(wanted: Int) throws {
    let fixture = try DataFixture { $0.memoryByteCount = 32 << 20 }
    for start in stride(from: 0, to: 100_000, by: 10_000) {
      _ = try fixture.write { evaluation throws(StoreError) in
        try evaluation.editMap(at: bytes("m").rawSpan) { map, evaluation throws(StoreError) in
          for number in start..<start + 10_000 {
            let field = bytes("f\(number)")
            try map.put(field.rawSpan, field.rawSpan, isNew: true, in: &evaluation)
          }
        }
      }
    }
    let visited = try fixture.write { evaluation throws(StoreError) in
      let map = try evaluation.map(at: bytes("m").rawSpan)!
      var random = RandomFields(of: map)
      var drawn: Set<[UInt8]> = []
      try random.distinct(wanted, in: &evaluation) { field, _ in
        drawn.insert([UInt8](copying: field))
        return true
      }
      #expect(drawn.count == wanted)
      return random.visitedCount
    }
    #expect(visited <= 74 * wanted + 600)
    // As a rule far less.
    #expect(visited < 100_000)
  }

  /// Places between the first and the last byte are nearly all behind one gap.
  @Test func `fields with gaps between them are drawn in bounded steps, too`() throws {
    let fixture = try DataFixture()
    let names =
      ["", "\u{1}", "zzzz"] + (0..<6000).map { "b\(10_000 + $0)" } + (0..<10).map { "c\($0)" }
    _ = try fixture.map("m").set(names.map { (field: bytes($0), value: bytes($0)) })
    for wanted in [1, 100, 700] {
      let drawn = try draw(wanted, from: fixture)
      #expect(drawn.count == wanted && Set(drawn).count == wanted)
    }
    // Those in the middle come, and not only those at the gaps.
    let middle = try draw(2000, repeated: true, from: fixture).filter { $0.first == 98 }
    #expect(Set(middle).count > 150)
  }
}
