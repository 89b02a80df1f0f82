import Testing

@testable import KVStore

@Suite struct KeyHashTests {
  private let hash = KeyHash(seed: 0x5EED)

  @Test func `one seed gives one hash, whatever lies around the key`() {
    let bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    for count in 0...200 {
      let alone = Array(bytes[100..<100 + count])
      let within = bytes.span.bytes.extracting(100..<100 + count)
      #expect(
        KeyHash(seed: 0x5EED).hash(EntryAddress(.keys, alone.span.bytes))
          == hash.hash(EntryAddress(.keys, within)))
    }
  }

  @Test func `another seed gives another hash`() {
    for count in 0...100 {
      let key = [UInt8](repeating: 7, count: count)
      #expect(
        KeyHash(seed: 1).hash(EntryAddress(.keys, key.span.bytes))
          != KeyHash(seed: 2).hash(EntryAddress(.keys, key.span.bytes)))
    }
  }

  @Test func `every byte and the length count`() {
    for count in 1...100 {
      var seen: Set<UInt64> = []
      let zeros = [UInt8](repeating: 0, count: count)
      seen.insert(hash.hash(EntryAddress(.keys, zeros.span.bytes)))
      seen.insert(hash.hash(EntryAddress(.keys, (zeros + [0]).span.bytes)))
      for position in 0..<count {
        for bit in 0..<8 {
          var key = zeros
          key[position] = 1 << bit
          seen.insert(hash.hash(EntryAddress(.keys, key.span.bytes)))
        }
      }
      #expect(seen.count == 2 + 8 * count)
    }
  }

  /// Flipping any bit of a key flips each bit of the hash about half of the time; over all positions the
  /// mean of 64 · 8 · 16 trials is within a few standard deviations of that.
  @Test(arguments: [3, 8, 16, 17, 40])
  func `a changed bit changes half of the hash`(count: Int) {
    var flipCounts = [Int](repeating: 0, count: 64)
    var trialCount = 0
    for sample in 0..<64 {
      let key = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ 1) &* (sample &+ 3) &* 167) }
      for position in 0..<count {
        for bit in 0..<8 {
          var changed = key
          changed[position] ^= 1 << bit
          let difference =
            hash.hash(EntryAddress(.keys, key.span.bytes))
            ^ hash.hash(EntryAddress(.keys, changed.span.bytes))
          for index in 0..<64 where difference >> UInt64(index) & 1 == 1 { flipCounts[index] += 1 }
          trialCount += 1
        }
      }
    }
    for flips in flipCounts {
      #expect(abs(Double(flips) / Double(trialCount) - 0.5) < 0.1)
    }
  }

  /// 2^16 keys in 2^16 slots leave 1/e of the slots empty if the hash is as good as chance.
  @Test func `consecutive keys fill the slots of a table evenly, by low and by high bits`() {
    for shift in [UInt64(0), 24, 48] {
      var filled: Set<UInt64> = []
      for number in 0..<65536 {
        let hash = hash.hash(EntryAddress(.keys, Array("key:\(number)".utf8).span.bytes))
        filled.insert(hash >> shift & 0xFFFF)
      }
      #expect(abs(Double(filled.count) / 65536 - 0.632) < 0.01)
    }
  }

  @Test func `a key has another hash in each keyspace`() {
    let hash = KeyHash(seed: 3)
    for key in [[], [0], [0x40], Array("a key of more than sixteen bytes".utf8)] as [[UInt8]] {
      let keyspaces = [Keyspace.keys, .owned, .orphans, .clock, .expiries]
      let hashes = keyspaces.map { hash.hash(EntryAddress($0, key.span.bytes)) }
      #expect(Set(hashes).count == keyspaces.count)
    }
  }
}
