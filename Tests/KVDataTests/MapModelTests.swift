import Base
import KVData
import Testing

@testable import KVStore

/// Random operations on a few keys against dictionaries, with sealing, reopening and reads in between.
struct MapModelTests {
  @Test(arguments: 0..<6)
  func `maps and strings hold what a dictionary would`(round: UInt64) throws {
    var run = ModelRun(seed: testSeed() &+ round)
    let fixture = try DataFixture()
    for step in 0..<1500 {
      try run.step(fixture)
      if step % 37 == 0 { fixture.store.seal() }
      if step % 400 == 399 { try fixture.reopen() }
      try run.checkOne(fixture)
    }
    try run.checkAll(fixture)
    // No field is left behind that belongs to no map, once range deletes are carried out.
    try fixture.store.checkpoint()
    #expect(try fixture.fieldCount() == run.fieldCount)
  }
}

private struct ModelRun {
  enum Value: Equatable {
    case string([UInt8])
    case map([[UInt8]: [UInt8]])
  }

  private var random: SeededGenerator
  private var model: [String: Value] = [:]
  private static let keys = ["a", "b", "c", "{tag}1", "{tag}2", "long key of a map"]
  private static let letters: [UInt8] = [0, 1, 0x61, 0x62, 0xFE, 0xFF]

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  var fieldCount: Int {
    model.values.reduce(0) { sum, value in
      if case .map(let fields) = value { sum + fields.count } else { sum }
    }
  }

  private mutating func key() -> String { Self.keys.randomElement(using: &random)! }

  private mutating func field() -> [UInt8] {
    if Int.random(in: 0..<20, using: &random) == 0 { return bytes("f\(random.next() % 900)") }
    let count = Int.random(in: 0...3, using: &random)
    return (0..<count).map { _ in Self.letters.randomElement(using: &random)! }
  }

  private mutating func value() -> [UInt8] {
    let isLarge = Int.random(in: 0..<40, using: &random) == 0
    return Array(
      repeating: UInt8.random(in: 0...255, using: &random),
      count: isLarge ? 5000 : Int.random(in: 0...30, using: &random))
  }

  mutating func step(_ fixture: DataFixture) throws {
    let key = key()
    let name = bytes(key)
    switch Int.random(in: 0..<24, using: &random) {
    case 0..<9: try setFields(of: key, fixture, count: Int.random(in: 1...4, using: &random))
    // Enough for a range tombstone.
    case 9 where Int.random(in: 0..<6, using: &random) == 0:
      try setFields(of: key, fixture, count: 700)
    case 9..<14: try deleteFields(of: key, fixture)
    case 14:
      let expected = model[key] != nil
      let isThere = try fixture.write { evaluation throws(StoreError) in
        let isThere = try evaluation.exists(name.rawSpan)
        try Records.remove(name.rawSpan, in: &evaluation)
        return isThere
      }
      #expect(isThere == expected)
      model[key] = nil
    case 15 where Int.random(in: 0..<3, using: &random) == 0:
      let value = value()
      try fixture.write { evaluation throws(StoreError) in
        try Records.replace(name.rawSpan, with: value.rawSpan, in: &evaluation)
      }
      model[key] = .string(value)
    case 16, 17:
      let target = self.key()
      let found = try fixture.write { evaluation throws(StoreError) in
        try Records.rename(name.rawSpan, to: bytes(target).rawSpan, in: &evaluation)
      }
      #expect(found == (model[key] != nil))
      guard found, key != target else { return }
      model[target] = model.removeValue(forKey: key)
    case 18:
      let target = self.key()
      let found = try fixture.write { evaluation throws(StoreError) in
        try Records.copy(name.rawSpan, to: bytes(target).rawSpan, in: &evaluation)
      }
      #expect(found == (model[key] != nil))
      if found { model[target] = model[key] }
    case 19: try deleteAll(key, fixture)
    case 20..<23: try severalInOneBatch(key, fixture)
    default: try fixture.store.checkpoint()
    }
  }

  private mutating func setFields(of key: String, _ fixture: DataFixture, count: Int) throws {
    let fields = (0..<count).map { _ in
      (field: count > 100 ? bytes("f\(random.next() % 900)") : self.field(), value: self.value())
    }
    guard var expected = self.fields(of: key) else {
      #expect(throws: StoreError.wrongType) { try fixture.map(key).set(fields) }
      return
    }
    let before = expected.count
    for (field, value) in fields { expected[field] = value }
    #expect(try fixture.map(key).set(fields) == expected.count - before)
    model[key] = .map(expected)
  }

  private mutating func deleteFields(of key: String, _ fixture: DataFixture) throws {
    var chosen = (0..<Int.random(in: 1...3, using: &random)).map { _ in field() }
    guard var expected = self.fields(of: key) else {
      #expect(throws: StoreError.wrongType) { try fixture.map(key).delete(chosen) }
      return
    }
    let known = expected.keys.sorted { $0.lexicographicallyPrecedes($1) }
    if let field = known.randomElement(using: &random) { chosen.append(field) }
    let before = expected.count
    for field in chosen { expected[field] = nil }
    #expect(try fixture.map(key).delete(chosen) == before - expected.count)
    model[key] = expected.isEmpty ? nil : .map(expected)
  }

  private mutating func deleteAll(_ key: String, _ fixture: DataFixture) throws {
    guard let expected = self.fields(of: key) else {
      #expect(throws: StoreError.wrongType) { try fixture.map(key).deleteAll() }
      return
    }
    #expect(try fixture.map(key).deleteAll() == !expected.isEmpty)
    model[key] = nil
  }

  /// Makes a map, deletes it and makes it again in one batch, reading in between.
  private mutating func severalInOneBatch(_ key: String, _ fixture: DataFixture) throws {
    guard let old = self.fields(of: key) else { return }
    let name = bytes(key)
    let first = (field(), value())
    let second = (field(), value())
    let isRemoved = Bool.random(using: &random)
    let counts = try fixture.write { evaluation throws(StoreError) in
      let count = try evaluation.editMap(at: name.rawSpan) {
        map, evaluation throws(StoreError) in
        try map.set(first.0.rawSpan, first.1.rawSpan, in: &evaluation)
        return map.count
      }
      if isRemoved { try Records.remove(name.rawSpan, in: &evaluation) }
      return try evaluation.editMap(at: name.rawSpan) { map, evaluation throws(StoreError) in
        let before = map.count
        try map.set(second.0.rawSpan, second.1.rawSpan, in: &evaluation)
        return [count, before, map.count]
      }
    }
    var expected = old
    expected[first.0] = first.1
    let count = expected.count
    if isRemoved { expected = [:] }
    let before = expected.count
    expected[second.0] = second.1
    #expect(counts == [count, before, expected.count])
    model[key] = .map(expected)
  }

  /// No fields where there is nothing; nil for a string.
  private func fields(of key: String) -> [[UInt8]: [UInt8]]? {
    switch model[key] {
    case .string: nil
    case .map(let fields): fields
    case nil: [:]
    }
  }

  /// Reads something of one key in one of several ways.
  mutating func checkOne(_ fixture: DataFixture) throws {
    let key = key()
    guard let expected = self.fields(of: key) else {
      #expect(throws: StoreError.wrongType) { try fixture.map(key).count() }
      return
    }
    let map = fixture.map(key)
    #expect(try map.count() == expected.count)
    let field = field()
    #expect(try map.get(field) == expected[field])
    let bounds = [self.field(), self.field()].sorted { $0.lexicographicallyPrecedes($1) }
    let ranges = [
      KeyRange.everything, .prefix(field), KeyRange(from: field),
      KeyRange(from: bounds[0], to: bounds[1]),
    ]
    let range = ranges.randomElement(using: &random)!
    let reverse = Bool.random(using: &random)
    let limit = Bool.random(using: &random) ? Int.max : Int.random(in: 0...4, using: &random)
    let found = try map.contents(range, reverse: reverse, limit: limit)
    #expect(found == Self.entries(expected, range, reverse: reverse, limit: limit))
  }

  mutating func checkAll(_ fixture: DataFixture) throws {
    for key in Self.keys {
      guard let expected = self.fields(of: key) else {
        guard case .string(let value) = model[key] else { continue }
        #expect(try fixture.store.get(bytes(key)) == value)
        continue
      }
      #expect(try fixture.map(key).contents() == Self.entries(expected, .everything))
    }
    #expect(try fixture.store.countEntries() == model.count)
  }

  private static func entries(
    _ fields: [[UInt8]: [UInt8]], _ range: KeyRange, reverse: Bool = false, limit: Int = .max
  ) -> [Entry] {
    let sorted = fields.filter { field, _ in
      let isBelow = range.upper.map { field.lexicographicallyPrecedes($0) } ?? true
      return isBelow && !field.lexicographicallyPrecedes(range.lower)
    }
    .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    .map { Entry(field: $0.key, value: $0.value) }
    return Array((reverse ? sorted.reversed() : sorted).prefix(limit))
  }
}
