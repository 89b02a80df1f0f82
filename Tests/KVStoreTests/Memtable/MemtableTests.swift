import Testing

@testable import KVStore

@Suite struct MemtableTests {
  private let memtable = Memtable(hash: KeyHash(seed: 1))

  @Test func `an empty table holds nothing at any sequence`() {
    #expect(memtable.isEmpty)
    #expect(memtable.keyCount == 0)
    #expect(memtable.newest(of: [1], at: .max) == nil)
    #expect(memtable.ordered(at: .max).isEmpty)
  }

  @Test func `a reader sees the newest version at or below its sequence`() {
    for sequence in stride(from: SequenceNumber(10), through: 1000, by: 10) {
      memtable.insert(entry([7], sequence, [UInt8(truncatingIfNeeded: sequence)]))
    }
    #expect(memtable.newest(of: [7], at: 9) == nil)
    for sequence in SequenceNumber(10)...1009 {
      #expect(memtable.newest(of: [7], at: sequence)?.header.sequence == sequence / 10 * 10)
    }
    #expect(memtable.keyCount == 1)
  }

  @Test func `of two versions with one key and sequence the later counts`() {
    memtable.insert(entry([1], 4, [0]))
    memtable.insert(entry([1], 5, [1]))
    memtable.insert(entry([1], 5, [2], .delete))
    memtable.insert(entry([1], 5, [3]))
    #expect(memtable.newest(of: [1], at: 5) == entry([1], 5, [3]))
    #expect(memtable.newest(of: [1], at: 4) == entry([1], 4, [0]))
    #expect(memtable.ordered(at: 5) == [entry([1], 5, [3])])
  }

  @Test func `a deletion is a version like any other`() {
    memtable.insert(entry([1], 1, [9]))
    memtable.insert(entry([1], 2, [], .delete))
    #expect(memtable.newest(of: [1], at: 1)?.header.kind == .put)
    #expect(memtable.newest(of: [1], at: 2)?.header.kind == .delete)
  }

  @Test func `headers come back as they were given`() {
    let headers = [
      EntryHeader(sequence: 0, kind: .delete), EntryHeader(sequence: 1, kind: .put, expiry: .max),
      EntryHeader(sequence: 1 << 56 - 1, kind: .put, expiry: 1),
      EntryHeader(sequence: 1 << 56 - 1, kind: .put, type: 127, expiry: 1),
    ]
    for (number, header) in headers.enumerated() {
      let key = [UInt8(number)]
      memtable.insert(.init(key: key, header: header, value: []))
      #expect(memtable.newest(of: key, at: .max)?.header == header)
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 4096, 64 << 10, (256 << 10) - 100, 256 << 10, 1 << 20, 9 << 20])
  func `a value of any size comes back whole`(byteCount: Int) {
    let value = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    for number in 0..<3 { memtable.insert(entry([UInt8(number)], 1, value)) }
    memtable.insert(entry([3], 1, [1, 2, 3]))
    for number in 0..<3 { #expect(memtable.newest(of: [UInt8(number)], at: 1)?.value == value) }
    #expect(memtable.newest(of: [3], at: 1)?.value == [1, 2, 3])
  }

  @Test func `keys that begin alike, end in zeros or are empty stay apart`() {
    let keys = (0...40).flatMap {
      [[UInt8](repeating: 0, count: $0), [UInt8](repeating: 0x61, count: $0)]
    }
    let distinct = Set(keys)
    for key in distinct { memtable.insert(entry(key, 1, key)) }
    #expect(memtable.keyCount == distinct.count)
    for key in distinct { #expect(memtable.newest(of: key, at: 1)?.value == key) }
    #expect(memtable.newest(of: [UInt8](repeating: 0, count: 41), at: 1) == nil)
  }

  @Test func `any history agrees with the model at every sequence`() {
    var random = ReplayableRandom.announced()
    var model = MemtableModel()
    var keys: Set<[UInt8]> = []
    for sequence in SequenceNumber(1)...400 {
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let key = random.awkwardKey()
        let header = EntryHeader(
          sequence: sequence, kind: Bool.random(using: &random) ? .put : .delete,
          expiry: random.next())
        let value = random.bytes(Int.random(in: 0...30, using: &random))
        let entry = MemtableModel.Entry(key: key, header: header, value: value)
        model.insert(entry)
        memtable.insert(entry)
        keys.insert(key)
      }
      let probe = SequenceNumber.random(in: 0...sequence, using: &random)
      for key in keys where Int.random(in: 0..<16, using: &random) == 0 {
        #expect(memtable.newest(of: key, at: probe) == model.newest(of: key, at: probe))
      }
      if sequence % 50 == 0 {
        #expect(memtable.ordered(at: probe) == model.ordered(at: probe))
      }
    }
    memtable.order()
    for sequence in stride(from: SequenceNumber(0), through: 401, by: 40) {
      #expect(memtable.ordered(at: sequence) == model.ordered(at: sequence))
      for key in keys {
        #expect(memtable.newest(of: key, at: sequence) == model.newest(of: key, at: sequence))
      }
    }
    #expect(memtable.keyCount == keys.count)
  }

  @Test func `a table finds every key however far it has grown`() {
    let count = 100_000
    for number in 0..<count { memtable.insert(entry(key(number), SequenceNumber(number), [])) }
    #expect(memtable.keyCount == count)
    #expect((0..<count).allSatisfy { memtable.newest(of: key($0), at: .max) != nil })
    #expect((count..<2 * count).allSatisfy { memtable.newest(of: key($0), at: .max) == nil })
  }

  /// All keys claim one hash, so that every probe walks over every other key.
  @Test func `keys with one hash are still found and told apart`() {
    for number in 0..<300 {
      memtable.insert(
        EntryAddress(.keys, key(number).span.bytes), header: EntryHeader(sequence: 1, kind: .put),
        value: [UInt8(number & 0xFF)].span.bytes, hash: .max)
    }
    for number in 0..<301 {
      let value: UInt8? = memtable.withVersion(
        at: EntryAddress(.keys, key(number).span.bytes), hash: .max, at: 1
      ) {
        $0 == nil ? nil : $1.withUnsafeBytes { $0.first }
      }
      #expect(value == (number < 300 ? UInt8(number & 0xFF) : nil))
    }
  }

  @Test func `an error of the body comes out as it went in`() {
    struct Refusal: Error, Equatable {}
    memtable.insert(entry([1], 1, []))
    let key: [UInt8] = [1]
    #expect(throws: Refusal.self) {
      try memtable.withVersion(
        at: EntryAddress(.keys, key.span.bytes),
        hash: memtable.hash(of: EntryAddress(.keys, key.span.bytes)), at: 1
      ) {
        _, _ throws(Refusal) in throw Refusal()
      }
    }
  }

  private func key(_ number: Int) -> [UInt8] { Array("key:\(number)".utf8) }

  private func entry(
    _ key: [UInt8], _ sequence: SequenceNumber, _ value: [UInt8], _ kind: EntryKind = .put
  ) -> MemtableModel.Entry {
    .init(key: key, header: EntryHeader(sequence: sequence, kind: kind), value: value)
  }
}
