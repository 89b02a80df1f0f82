import Base
import Testing

@testable import KVStore

/// A store against a dictionary, with everything that happens in the background made to happen all the
/// time.
@Suite struct StoreModelTests {
  private struct Walk {
    let fixture: StoreFixture
    var generator: StepGenerator
    var model = StoreModel()
    var snapshots: [(snapshot: Snapshot, model: StoreModel)] = []

    var store: Store { fixture.store }

    mutating func act() throws {
      switch Int.random(in: 0..<40, using: &generator.random) {
      case 0: store.seal()
      case 1: try store.checkpoint()
      case 2: try reopen()
      case 3: try checkAll()
      case 4..<6: try checkScan()
      case 6..<8: try takeOrCheckSnapshot()
      case 8..<12: try commitConditionally()
      case 12..<18: try checkKey(generator.key())
      case 18..<20: try deleteOne(generator.key())
      default: try commit(generator.steps())
      }
    }

    mutating func commit(_ steps: [StoreModel.Step]) throws {
      let sequence = try store.commit(try Batch(steps))
      model.apply(steps, at: sequence)
    }

    mutating func deleteOne(_ key: [UInt8]) throws {
      #expect(try store.delete(key) == (model.values[key] != nil))
      model.delete(key)
    }

    mutating func commitConditionally() throws {
      let key = generator.key()
      let known = model.sequences[key] ?? 0
      let conditions: [(condition: Precondition, holds: Bool)] = [
        (.absent, known == 0), (.present, known != 0), (.sequence(known), true),
        (.sequence(known + 1), false),
      ]
      let chosen = conditions.randomElement(using: &generator.random)!
      let steps = generator.steps()
      var batch = try Batch(steps)
      try batch.require(.sequence(known), of: key)
      try batch.require(chosen.condition, of: key)
      if chosen.holds {
        model.apply(steps, at: try store.commit(batch))
      } else {
        #expect(throws: StoreError.preconditionFailed(index: 1)) { try store.commit(batch) }
      }
    }

    mutating func takeOrCheckSnapshot() throws {
      if snapshots.count < 4 {
        snapshots.append((try store.snapshot(), model))
      } else {
        let (snapshot, model) = snapshots.removeFirst()
        try check(snapshot, model)
        snapshot.close()
      }
    }

    mutating func reopen() throws {
      for (snapshot, model) in snapshots {
        try check(snapshot, model)
        snapshot.close()
      }
      snapshots = []
      try fixture.reopen()
      try checkAll()
    }

    mutating func check(_ snapshot: Snapshot, _ model: StoreModel) throws {
      let key = generator.key()
      #expect(try snapshot.get(key) == model.values[key])
      var found: [[UInt8]: [UInt8]] = [:]
      try snapshot.scan(.everything) { key, value in
        found[Array(copying: key)] = Array(copying: value)
        return true
      }
      #expect(found == model.values)
      #expect(try snapshot.countEntries() == model.values.count)
    }

    func checkKey(_ key: [UInt8]) throws {
      #expect(try store.get(key) == model.values[key])
      #expect(try store.sequence(of: key) == model.sequences[key] ?? 0)
    }

    mutating func checkScan() throws {
      let range = generator.range()
      let reverse = Bool.random(using: &generator.random)
      let limits = [0, 1, 5, .max]
      let limit = limits.randomElement(using: &generator.random)!
      let found = try store.scan(range, reverse: reverse, limit: limit)
      #expect(found.map(\.key) == model.keys(in: range, reverse: reverse, limit: limit))
      for (key, value) in found { #expect(value == model.values[key]) }
    }

    func checkAll() throws {
      #expect(try store.contents() == model.values)
      #expect(try store.countEntries() == model.values.count)
      for key in model.values.keys { try checkKey(key) }
    }
  }

  @Test func `a store holds what a dictionary does, whatever goes on below`() throws {
    let fixture = try StoreFixture {
      $0.segmentByteCount = 64 << 10
      $0.logByteLimit = 128 << 10
    }
    let random = SeededGenerator(seed: testSeed())
    var walk = Walk(fixture: fixture, generator: StepGenerator(random: random))
    for _ in 0..<1200 { try walk.act() }
    try walk.reopen()
    try fixture.store.waitUntilPurged()
    try walk.checkAll()
  }

  @Test func `a snapshot is the store at its sequence while all goes on`() throws {
    let fixture = try StoreFixture { $0.segmentByteCount = 64 << 10 }
    let store = fixture.store
    let history = History()
    let isDone = Flag()
    let seed = testSeed()
    try inThreads(4) { index in
      switch index {
      case 0:
        defer { isDone.raise() }
        var generator = StepGenerator(random: SeededGenerator(seed: seed))
        var model = StoreModel()
        for _ in 0..<400 {
          let steps = generator.steps()
          let sequence = try store.commit(try Batch(steps))
          model.apply(steps, at: sequence)
          history.note(model, at: sequence)
        }
      case 1:
        while !isDone.isRaised {
          store.seal()
          if UInt8.random(in: 0..<8) == 0 { try store.checkpoint() }
        }
      default:
        while !isDone.isRaised { try Self.check(try store.snapshot(), history, isDone) }
      }
    }
  }

  private static func check(_ snapshot: Snapshot, _ history: History, _ isDone: Flag) throws {
    defer { snapshot.close() }
    var found: [[UInt8]: [UInt8]] = [:]
    try snapshot.scan(.everything, reverse: Bool.random()) { key, value in
      found[Array(copying: key)] = Array(copying: value)
      return true
    }
    #expect(try snapshot.countEntries() == found.count)
    for (key, value) in found.prefix(20) { #expect(try snapshot.get(key) == value) }
    // The writer notes a batch a moment after it is visible.
    while !history.reaches(snapshot.sequence), !isDone.isRaised {}
    if let model = history.model(at: snapshot.sequence) { #expect(found == model.values) }
  }
}
