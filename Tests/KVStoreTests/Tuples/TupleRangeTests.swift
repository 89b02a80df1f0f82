import Base
import Testing

@testable import KVStore

@Suite struct TupleRangeTests {
  @Test func `the range of a prefix has the tuples that begin with its elements and no others`() {
    var make = TupleMaker(seed: testSeed())
    for _ in 0..<8000 {
      let prefix = make.elements(limit: 2)
      let isRelated = Bool.random(using: &make.random)
      let elements = (isRelated ? prefix : []) + make.elements(limit: 3)
      let begins = begins(elements, with: prefix)
      let key = Tuple(elements: elements).bytes
      let tuple = Tuple(elements: prefix)
      #expect(KeyRange.prefix(tuple).contains(key.rawSpan) == begins, "\(prefix) \(elements)")
      #expect(
        KeyRange.extensions(of: tuple).contains(key.rawSpan)
          == (begins && elements.count > prefix.count), "\(prefix) \(elements)")
    }
  }

  @Test func `a range between two tuples has those from the one up to the other`() {
    var make = TupleMaker(seed: testSeed())
    for _ in 0..<8000 {
      let lower = make.elements(limit: 2)
      let upper = (Bool.random(using: &make.random) ? lower : []) + make.elements(limit: 2)
      let elements = (Bool.random(using: &make.random) ? upper : lower) + make.elements(limit: 2)
      let isAfterLower = TupleModel.compare(lower, elements) <= 0
      let isBeforeUpper = TupleModel.compare(elements, upper) < 0
      let key = Tuple(elements: elements).bytes
      let (low, high) = (Tuple(elements: lower), Tuple(elements: upper))
      #expect(
        KeyRange(from: low, to: high).contains(key.rawSpan) == (isAfterLower && isBeforeUpper),
        "\(low) \(high) \(elements)")
      #expect(
        KeyRange(from: low, through: high).contains(key.rawSpan)
          == (isAfterLower && (isBeforeUpper || begins(elements, with: upper))),
        "\(low) \(high) \(elements)")
    }
  }

  private func begins(_ elements: [Tuple.Element], with prefix: [Tuple.Element]) -> Bool {
    elements.count >= prefix.count
      && TupleModel.compare(Array(elements.prefix(prefix.count)), prefix) == 0
  }

  /// The key of `("a\0b")` begins with the bytes of the key of `("a")`.
  @Test func `a prefix of the bytes alone is not one of the elements`() {
    let (prefix, other) = (Tuple("a"), Tuple("a\0b"))
    #expect(other.bytes.starts(with: prefix.bytes))
    #expect(KeyRange.prefix(prefix).contains(other.bytes.rawSpan) == false)
    #expect(KeyRange.prefix(prefix.bytes).contains(other.bytes.rawSpan) == true)
  }

  @Test func `a store scans ranges of tuples forward and backward`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    var tuples: [Tuple] = []
    for user in ["a", "a\0", "aa", "b"] {
      for number in [-300, -1, 0, 1, 255, 256, 70_000] {
        tuples.append(Tuple("orders", user, number))
        tuples.append(Tuple("orders", user, number, true))
      }
      tuples.append(Tuple("orders", user))
      tuples.append(Tuple("users", user))
    }
    for tuple in tuples.shuffled() { try store.put(tuple.bytes, []) }
    try store.checkpoint()
    try store.put(Tuple("orders", "a", 2).bytes, [])
    tuples.append(Tuple("orders", "a", 2))

    func expect(_ range: KeyRange, _ isExpected: (Tuple) -> Bool) throws {
      let expected = tuples.filter(isExpected).sorted()
      #expect(!expected.isEmpty)
      let forward = try store.scan(range, limit: .max).map { try Tuple(encoded: $0.key) }
      let backward = try store.scan(range, reverse: true, limit: .max)
        .map { try Tuple(encoded: $0.key) }
      #expect(forward == expected)
      #expect(backward == expected.reversed())
    }
    let user = Tuple("orders", "a")
    func number(_ tuple: Tuple) -> Int? {
      let elements = tuple.elements
      guard elements.count > 2, elements[1] == .string("a"), case .integer(let number) = elements[2]
      else { return nil }
      return Int(number)
    }
    try expect(.everything) { _ in true }
    try expect(.prefix(Tuple("orders"))) { $0.elements[0] == .string("orders") }
    try expect(.prefix(user)) { $0.elements[1] == .string("a") && $0 != Tuple("users", "a") }
    try expect(.extensions(of: user)) { number($0) != nil }
    try expect(KeyRange(from: user.appending(-1), to: user.appending(256))) {
      number($0).map { (-1..<256).contains($0) } ?? false
    }
    try expect(KeyRange(from: user.appending(-1), through: user.appending(256))) {
      number($0).map { (-1...256).contains($0) } ?? false
    }
    try expect(KeyRange(from: user.appending(1), through: user)) {
      number($0).map { $0 >= 1 } ?? false
    }
  }
}
