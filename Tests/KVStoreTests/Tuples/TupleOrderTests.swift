import Base
import Testing

@testable import KVStore

@Suite struct TupleOrderTests {
  @Test func `tuples sort as their elements do`() {
    var make = TupleMaker(seed: testSeed())
    for _ in 0..<15_000 {
      let one = make.elements()
      // Half of the pairs begin alike.
      let common = Bool.random(using: &make.random) ? Int.random(in: 0...4, using: &make.random) : 0
      let other = Array(one.prefix(common)) + make.elements(limit: 2)
      let order = TupleModel.compare(one, other)
      let (first, second) = (Tuple(elements: one), Tuple(elements: other))
      #expect((first < second) == (order < 0), "\(first) \(second)")
      #expect((second < first) == (order > 0), "\(first) \(second)")
      #expect((first == second) == (order == 0), "\(first) \(second)")
      #expect(
        first.bytes.lexicographicallyPrecedes(second.bytes) == (order < 0), "\(first) \(second)")
    }
  }

  /// Every element sorts before the next; so do tuples of them, alone, nested, and with others before and after.
  @Test func `types sort in the order that is documented`() {
    let sorted: [Tuple.Element] = [
      .null, .bytes([]), .bytes([0]), .bytes([0, 0]), .bytes([0, 1]), .bytes([1]), .bytes([255]),
      .string(""), .string("\0"), .string("\0\0"), .string("a"), .string("a\0"), .string("aa"),
      .string("b"), .string("\u{FFFF}"), .string("\u{10000}"), .tuple(Tuple()),
      .tuple(Tuple(nil as Int?)), .tuple(Tuple(nil as Int?, nil as Int?)),
      .tuple(Tuple(nil as Int?, 1)), .tuple(Tuple("")), .tuple(Tuple(Tuple())),
      .tuple(Tuple(Tuple(nil as Int?))), .tuple(Tuple(1)), .integer(-(1 << 64) + 1),
      .integer(-(1 << 63)), .integer(-65536), .integer(-65535), .integer(-257), .integer(-256),
      .integer(-255), .integer(-1), .integer(0), .integer(1), .integer(255), .integer(256),
      .integer(1 << 63), .integer(1 << 64 - 1), .float(-.infinity), .float(-1), .float(-0.0),
      .float(0), .float(1), .float(.infinity), .float(.nan), .double(-.infinity),
      .double(-.greatestFiniteMagnitude), .double(-1), .double(-.leastNonzeroMagnitude),
      .double(-0.0), .double(0), .double(.leastNonzeroMagnitude), .double(1), .double(.infinity),
      .double(.nan), .bool(false), .bool(true), .uuid(0), .uuid(1 << 120), .uuid(.max),
    ]
    for (index, one) in sorted.enumerated() {
      for other in sorted[(index + 1)...] {
        #expect(TupleModel.compare(one, other) < 0)
        #expect(Tuple(one) < Tuple(other), "\(one) \(other)")
        #expect(Tuple(Tuple(one)) < Tuple(Tuple(other)), "\(one) \(other)")
        #expect(Tuple("a", one, true) < Tuple("a", other, nil as Int?), "\(one) \(other)")
        #expect(Tuple(Tuple(one, true), 1) < Tuple(Tuple(other), 0), "\(one) \(other)")
      }
    }
  }

  @Test func `a tuple's bytes begin with those of its first elements, and it sorts after them`() {
    var make = TupleMaker(seed: testSeed())
    for _ in 0..<4000 {
      let elements = make.elements(limit: 6)
      let tuple = Tuple(elements: elements)
      for count in 0..<elements.count {
        let prefix = Tuple(elements: elements.prefix(count))
        #expect(tuple.bytes.starts(with: prefix.bytes))
        #expect(prefix < tuple)
      }
    }
  }
}
