import Base
import Testing

@testable import KVStore

/// A store of entries with types and expiries against a dictionary and a clock, with everything that happens in
/// the background made to happen all the time.
@Suite struct ExpiryModelTests {
  private struct Walk {
    let fixture: StoreFixture
    let clock: TestClock
    var generator: StepGenerator
    var model: [[UInt8]: Entry] = [:]
    /// What the clock has shown at most.
    var now: UInt64 = 0

    var store: Store { fixture.store }

    mutating func act() throws {
      switch Int.random(in: 0..<40, using: &generator.random) {
      case 0: store.seal()
      case 1: try store.checkpoint()
      case 2: try reopen()
      case 3: try checkAll()
      case 4..<8: clock.pass(milliseconds: Int64.random(in: 0...20, using: &generator.random))
      case 8: clock.set(by: Int64.random(in: -300...30, using: &generator.random))
      case 9..<11: try workOff()
      case 11..<13: try deleteRange()
      case 13..<17: try delete(generator.key())
      case 17..<22: try check(generator.key())
      default: try put()
      }
      #expect(store.now >= now)
      now = store.now
    }

    func isLive(_ entry: Entry) -> Bool { entry.expiry == 0 || entry.expiry > store.now }

    func live(in range: KeyRange) -> [[UInt8]: Entry] {
      model.filter { key, entry in
        range.contains(key.rawSpan) && isLive(entry)
      }
    }

    /// Some puts know what they replace, some are blind.
    mutating func put() throws {
      var entries: [[UInt8]: (entry: Entry, isBlind: Bool)] = [:]
      for _ in 0..<Int.random(in: 1...4, using: &generator.random) {
        let key = generator.key()
        var entry = Entry(value: generator.value())
        if Bool.random(using: &generator.random) {
          entry.expiry = store.now + UInt64.random(in: 0...60, using: &generator.random)
        }
        entry.type = UInt8([0, 0, 1, 127].randomElement(using: &generator.random)!)
        entries[key] = (entry, Bool.random(using: &generator.random))
      }
      let model = model
      try store.evaluateDurably { evaluation throws(StoreError) in
        for (key, put) in entries {
          let old = try evaluation.storedEntry(key)
          #expect(old == model[key])
          try evaluation.put(key, put.entry, replacing: put.isBlind ? 0 : old?.expiry ?? 0)
        }
      }
      for (key, put) in entries { self.model[key] = put.entry }
    }

    mutating func delete(_ key: [UInt8]) throws {
      let model = model
      let isThere = model[key].map(isLive) ?? false
      try store.evaluateDurably { evaluation throws(StoreError) in
        #expect(try evaluation.exists(key.rawSpan) == isThere)
        try evaluation.delete(key.rawSpan, replacing: model[key]?.expiry ?? 0)
      }
      self.model[key] = nil
    }

    mutating func deleteRange() throws {
      let range = generator.range()
      try store.deleteRange(range)
      for key in model.keys where range.contains(key.rawSpan) { model[key] = nil }
    }

    /// What works off the index of expiries: it must find everything that has expired.
    mutating func workOff() throws {
      let limit = store.now
      let range = ExpiryIndex.range(upTo: limit)
      let due = try store.scan(range, in: .expiries).map(\.key)
      try store.evaluateDurably { evaluation throws(StoreError) in
        for indexKey in due {
          guard let (expiry, place) = ExpiryIndex.parse(indexKey.rawSpan) else { continue }
          #expect(expiry <= limit)
          try evaluation.deleteExpired(Array(indexKey[place]).rawSpan)
          // It may be one that a blind put has left.
          try evaluation.deleteIndex(indexKey.rawSpan)
        }
        try evaluation.putClock()
      }
      model = model.filter { $0.value.expiry == 0 || $0.value.expiry > limit }
      #expect(try store.countEntries() == model.count)
      #expect(try store.scan(range, in: .expiries).isEmpty)
    }

    mutating func reopen() throws {
      // Without it what has expired may be back, had the time of day been set back.
      try store.evaluateDurably { evaluation throws(StoreError) in try evaluation.putClock() }
      try fixture.reopen()
      try checkAll()
    }

    func check(_ key: [UInt8]) throws {
      let expected = model[key].flatMap { isLive($0) ? $0 : nil }
      #expect(try store.entry(key) == expected)
      #expect(try store.snapshot().entry(key) == expected)
      if expected?.type ?? 0 == 0 {
        #expect(try store.get(key) == expected?.value)
      } else {
        #expect(throws: StoreError.wrongType) { try store.get(key) }
      }
    }

    mutating func checkAll() throws {
      let reader = store.makeReader()
      defer { reader.close() }
      let reverse = Bool.random(using: &generator.random)
      #expect(try reader.entries(in: .everything, reverse: reverse) == live(in: .everything))
      let range = generator.range()
      #expect(try reader.entries(in: range) == live(in: range))
      reader.end()
      #expect(try store.countEntries() == model.count)
      let indexed = Set(try store.expiryIndexEntries())
      for (key, entry) in model where entry.expiry != 0 {
        #expect(indexed.contains(IndexEntry(expiry: entry.expiry, key: key)))
      }
      for key in model.keys { try check(key) }
    }
  }

  @Test func `entries are there until their time, whatever goes on below`() throws {
    let clock = TestClock()
    let fixture = try StoreFixture {
      $0.segmentByteCount = 64 << 10
      $0.logByteLimit = 128 << 10
      $0.clock = clock.source
    }
    let random = SeededGenerator(seed: testSeed())
    var walk = Walk(fixture: fixture, clock: clock, generator: StepGenerator(random: random))
    for _ in 0..<1200 { try walk.act() }
    try walk.reopen()
    try fixture.store.waitUntilPurged()
    try walk.checkAll()
    clock.pass(milliseconds: 1000)
    try walk.workOff()
    try walk.checkAll()
    #expect(walk.model.values.allSatisfy { $0.expiry == 0 })
  }
}

/// A place in the index of expiries.
private struct IndexEntry: Hashable {
  var expiry: UInt64
  var key: [UInt8]
}

extension Store {
  fileprivate func expiryIndexEntries() throws -> [IndexEntry] {
    try scan(ExpiryIndex.range(upTo: .max), in: .expiries).compactMap { key, _ in
      ExpiryIndex.parse(key.rawSpan).map { IndexEntry(expiry: $0.expiry, key: Array(key[$0.key])) }
    }
  }
}
