import Base
import Testing

@testable import KVStore

/// The index of range deletes against the plain list of them.
@Suite struct RangeIndexTests {
  private static func key(_ random: inout SeededGenerator) -> [UInt8] {
    let count = Int.random(in: 0...3, using: &random)
    return (0..<count).map { _ in [0, 1, 0x61, 0xFF].randomElement(using: &random)! }
  }

  private static func range(_ random: inout SeededGenerator) -> KeyRange {
    let (one, other) = (key(&random), key(&random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return KeyRange(from: one)
    case 1: return .prefix(one)
    case 2: return .everything
    // Empty ones too: bytes of the log may say anything.
    case 3: return KeyRange(from: one, to: other)
    default:
      return one.isBefore(other) ? KeyRange(from: one, to: other) : KeyRange(from: other, to: one)
    }
  }

  /// What the list says, walked from its newest.
  private static func newest(
    _ list: [RangeTombstone], over key: [UInt8], at sequence: SequenceNumber
  ) -> SequenceNumber {
    list.last { tombstone in
      tombstone.sequence <= sequence
        && KeyRange(from: tombstone.lower, to: tombstone.upper).contains(key.rawSpan)
    }?.sequence ?? 0
  }

  private func check(
    _ index: RangeIndex, _ list: [RangeTombstone], _ random: inout SeededGenerator
  ) {
    let newest = (list.last?.sequence ?? 0) + 1
    for _ in 0..<40 {
      let key = Self.key(&random)
      let sequence =
        [SequenceNumber.max, newest].randomElement(using: &random)!
        - SequenceNumber.random(in: 0...newest, using: &random)
      #expect(
        index.newest(over: EntryAddress(.keys, key.rawSpan), at: sequence)
          == Self.newest(list, over: key, at: sequence))
    }
    let lsn = UInt64.random(in: 0...newest * 10, using: &random)
    #expect(
      index.newestSequence(upTo: lsn) == list.last { $0.lsn <= lsn }?.sequence ?? 0)
    #expect(index.count == list.count)
    #expect(index.isEmpty == list.isEmpty)
    if let merged = index.merged() {
      for _ in 0..<20 {
        let key = Self.key(&random)
        #expect(
          merged.newest(over: EntryAddress(.keys, key.rawSpan))
            == Self.newest(list, over: key, at: .max))
      }
    }
  }

  @Test func `it finds what a walk over the list finds, at every sequence`() {
    var random = SeededGenerator(seed: testSeed())
    for _ in 0..<60 {
      var index = RangeIndex()
      var list: [RangeTombstone] = []
      var sequence: SequenceNumber = 0
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        sequence += SequenceNumber.random(in: 1...3, using: &random)
        var ordinal: UInt32 = 0
        // A batch comes in one section or in several.
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let count = Int.random(in: 1...5, using: &random)
          let new = (0..<UInt32(count)).map { place in
            let range = Self.range(&random)
            return RangeTombstone(
              sequence: sequence, ordinal: ordinal + place, lsn: sequence * 10,
              lower: range.lower, upper: range.upper)
          }
          ordinal += UInt32(count)
          index.insert(new)
          list += new
        }
        check(index, list, &random)
      }
    }
  }

  /// What is carried out may be forgotten or kept, because nothing is left that it hides.
  @Test func `the oldest are dropped, and all behind them still count`() {
    var random = SeededGenerator(seed: testSeed())
    for _ in 0..<60 {
      var index = RangeIndex()
      var list: [RangeTombstone] = []
      for sequence in 1...SequenceNumber(60) {
        let new = (0..<UInt32.random(in: 1...6, using: &random)).map { ordinal in
          let range = Self.range(&random)
          return RangeTombstone(
            sequence: sequence, ordinal: ordinal, lsn: sequence, lower: range.lower,
            upper: range.upper)
        }
        index.insert(new)
        list += new
        if Int.random(in: 0..<4, using: &random) == 0 {
          let place = Int.random(in: 0..<list.count, using: &random)
          index.drop(through: list[place].id)
          list.removeFirst(place + 1)
        }
        #expect(index.count == list.count)
        #expect(index.isEmpty == list.isEmpty)
        for _ in 0..<10 {
          let key = Self.key(&random)
          let expected = Self.newest(list, over: key, at: .max)
          let found = index.newest(over: EntryAddress(.keys, key.rawSpan), at: .max)
          // None that is left is forgotten, and none is invented.
          #expect(expected == 0 || found == expected)
        }
      }
    }
  }

  /// Each range delete used to copy the list of all before it.
  @Test(arguments: [false, true])
  func `ten times as many cost little more than ten times as much`(isNested: Bool) {
    func copies(_ count: Int) -> Int {
      var index = RangeIndex()
      for number in 0..<count {
        let key = bytes("\(100_000 + number)")
        index.insert([
          RangeTombstone(
            sequence: SequenceNumber(number + 1), lsn: 1, lower: key,
            upper: isNested ? bytes("\(900_000 - number)") : key + [0])
        ])
        // In steps of a factor of two or more.
        #expect(index.runs.count <= 14)
      }
      return index.copiedCount
    }
    let (few, many) = (copies(400), copies(4000))
    #expect(few > 0)
    #expect(many < few * 20)
  }

  @Test func `one section of a batch is sorted, not merged one by one`() {
    var index = RangeIndex()
    index.insert(
      (0..<5000).map { number in
        RangeTombstone(
          sequence: 7, ordinal: UInt32(number), lsn: 1, lower: bytes("\(number * 7919 % 5000)"),
          upper: bytes("\(number * 7919 % 5000)") + [0])
      })
    #expect(index.copiedCount == 0)
    #expect(index.runs.count == 1)
    #expect(index.runs[0].bounds.count <= 10_000)
  }
}
