import Base
import KVData
import Testing

@testable import KVStore

/// Walks over several maps against what Swift's own sets make of the same.
struct FieldSetOperationsTests {
  private static let keys = ["a", "b", "c", "{tag}d"]

  @Test(arguments: 0..<4)
  func `walks over several maps give what sets would, in the order of bytes`(round: UInt64) throws {
    var random = SeededGenerator(seed: testSeed() &+ round)
    let fixture = try DataFixture()
    var model: [String: Set<[UInt8]>] = [:]
    for key in Self.keys {
      let count = [1, 15, 300, 3000].randomElement(using: &random)!
      let span = UInt64(count) * 2
      let fields = Set((0..<count).map { _ in bytes("f\(random.next() % span)") })
      model[key] = fields
      _ = try fixture.map(key).set(fields.map { (field: $0, value: []) })
      if Bool.random(using: &random) { fixture.store.seal() }
    }
    for _ in 0..<60 {
      let count = Int.random(in: 1...4, using: &random)
      let chosen = (0..<count).map { _ in Self.keys.randomElement(using: &random)! }
      let limit = [3, Int.max].randomElement(using: &random)!
      let sets = chosen.map { model[$0]! }
      for operation in [Operation.union, .intersection, .difference] {
        let expected = sets.dropFirst().reduce(sets[0]) { operation.combine($0, $1) }
        let sorted = expected.sorted { $0.lexicographicallyPrecedes($1) }
        let found = try Self.walk(
          operation, chosen, limit: limit, inEvaluation: Bool.random(using: &random), fixture)
        #expect(found == Array(sorted.prefix(limit)), "\(operation) of \(chosen)")
      }
    }
  }

  private enum Operation {
    case union, intersection, difference

    func combine(_ first: Set<[UInt8]>, _ second: Set<[UInt8]>) -> Set<[UInt8]> {
      switch self {
      case .union: first.union(second)
      case .intersection: first.intersection(second)
      case .difference: first.subtracting(second)
      }
    }
  }

  private static func walk(
    _ operation: Operation, _ keys: [String], limit: Int, inEvaluation: Bool,
    _ fixture: DataFixture
  ) throws -> [[UInt8]] {
    if inEvaluation {
      return try fixture.write { evaluation throws(StoreError) in
        try collect(operation, keys, limit: limit, &evaluation)
      }
    }
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    return try reader.withCut(of: bytes(keys[0]).rawSpan) { cut throws(StoreError) in
      try collect(operation, keys, limit: limit, &cut)
    }
  }

  private static func collect<V: EntryView & ~Copyable>(
    _ operation: Operation, _ keys: [String], limit: Int, _ view: inout V
  ) throws(StoreError) -> [[UInt8]] {
    var joined: [UInt8] = []
    var places: [Range<Int>] = []
    for key in keys {
      places.append(joined.count..<joined.count + key.utf8.count)
      joined += bytes(key)
    }
    let maps = try view.maps(at: places, in: joined.rawSpan).compactMap { $0 }
    var found: [[UInt8]] = []
    func add(_ field: RawSpan) -> Bool {
      found.append([UInt8](copying: field))
      return found.count < limit
    }
    switch operation {
    case .union: try FieldSetOperations.union(of: maps, in: &view, add)
    case .intersection: try FieldSetOperations.intersection(of: maps, in: &view, add)
    case .difference:
      try FieldSetOperations.difference(
        of: maps[0], without: Array(maps.dropFirst()), in: &view, add)
    }
    return found
  }
}
