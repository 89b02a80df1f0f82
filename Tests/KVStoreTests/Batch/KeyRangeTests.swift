import Base
import Testing

@testable import KVStore

@Suite struct KeyRangeTests {
  @Test(
    arguments: [
      ([], nil), ([1], [2]), ([1, 0xFF], [2]), ([0xFF], nil), ([0xFF, 0xFF], nil),
      ([0xFE, 0xFF, 0xFF], [0xFF]), ([0], [1]),
    ] as [([UInt8], [UInt8]?)])
  func `a prefix ends before the next prefix of its length`(prefix: [UInt8], upper: [UInt8]?) {
    #expect(KeyRange.prefix(prefix) == KeyRange(from: prefix, to: upper))
  }

  @Test func `a range of a prefix holds the keys that begin with it and no others`() {
    var random = SeededGenerator(seed: testSeed())
    for _ in 0..<3000 {
      let letters: [UInt8] = [0, 1, 0xFE, 0xFF]
      func key(_ limit: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...limit, using: &random)).map { _ in
          letters.randomElement(using: &random)!
        }
      }
      let prefix = key(3, &random)
      let key = key(5, &random)
      #expect(KeyRange.prefix(prefix).contains(key.rawSpan) == key.starts(with: prefix))
    }
  }

  @Test func `a range whose bounds meet or cross holds nothing`() {
    #expect(KeyRange(from: [1], to: [1]).isEmpty)
    #expect(KeyRange(from: [2], to: [1]).isEmpty)
    #expect(KeyRange(from: [], to: []).isEmpty)
    #expect(!KeyRange(from: [1], to: [1, 0]).isEmpty)
    #expect(!KeyRange.everything.isEmpty)
    #expect(!KeyRange(from: [1], to: [1]).holds([1]))
  }

  @Test func `a range has its lower bound and lacks its upper one`() {
    let range = KeyRange(from: [1], to: [3])
    #expect(range.holds([1]) && range.holds([2, 255]))
    #expect(!range.holds([3]) && !range.holds([0, 255]))
    #expect(!range.holds([]) && KeyRange.everything.holds([]))
  }
}

extension KeyRange {
  fileprivate func holds(_ key: [UInt8]) -> Bool { contains(key.rawSpan) }
}
