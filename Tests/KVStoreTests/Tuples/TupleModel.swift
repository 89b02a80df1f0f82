@testable import KVStore

/// Tuples as lists of elements, with the order that `Tuple` documents: what the encoding is compared with.
enum TupleModel {
  /// Negative, zero or positive when `one` sorts before, equal to or after `other`.
  static func compare(_ one: [Tuple.Element], _ other: [Tuple.Element]) -> Int {
    for (one, other) in zip(one, other) {
      let order = compare(one, other)
      if order != 0 { return order }
    }
    return one.count - other.count
  }

  static func compare(_ one: Tuple.Element, _ other: Tuple.Element) -> Int {
    switch (one, other) {
    case (.bytes(let one), .bytes(let other)): order(one, other)
    case (.string(let one), .string(let other)):
      order(one.unicodeScalars.map(\.value), other.unicodeScalars.map(\.value))
    case (.tuple(let one), .tuple(let other)): compare(one.elements, other.elements)
    case (.integer(let one), .integer(let other)): order([one], [other])
    case (.float(let one), .float(let other)): compare(Double(one), Double(other))
    case (.double(let one), .double(let other)): compare(one, other)
    case (.bool(let one), .bool(let other)): (one ? 1 : 0) - (other ? 1 : 0)
    case (.uuid(let one), .uuid(let other)): order([one], [other])
    default: rank(one) - rank(other)
    }
  }

  private static func order<Item: Comparable>(_ one: [Item], _ other: [Item]) -> Int {
    one.lexicographicallyPrecedes(other) ? -1 : one == other ? 0 : 1
  }

  private static func compare(_ one: Double, _ other: Double) -> Int {
    if one.isNaN || other.isNaN { return (one.isNaN ? 1 : 0) - (other.isNaN ? 1 : 0) }
    let isBelow = one.isTotallyOrdered(belowOrEqualTo: other)
    let isAbove = other.isTotallyOrdered(belowOrEqualTo: one)
    return isBelow && isAbove ? 0 : isBelow ? -1 : 1
  }

  private static func rank(_ element: Tuple.Element) -> Int {
    switch element {
    case .null: 0
    case .bytes: 1
    case .string: 2
    case .tuple: 3
    case .integer: 4
    case .float: 5
    case .double: 6
    case .bool: 7
    case .uuid: 8
    }
  }
}

/// Random elements, many of them near each other or at the end of what they can be.
struct TupleMaker {
  var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func elements(limit: Int = 4, depth: Int = 0) -> [Tuple.Element] {
    (0..<Int.random(in: 0...limit, using: &random)).map { _ in element(depth: depth) }
  }

  mutating func element(depth: Int = 0) -> Tuple.Element {
    switch Int.random(in: 0..<(depth < 3 ? 10 : 9), using: &random) {
    case 0: .null
    case 1: .bytes(bytes())
    case 2: .string(string())
    case 3, 4: .integer(integer())
    case 5: .float(Float(number()))
    case 6: .double(number())
    case 7: .bool(Bool.random(using: &random))
    case 8: .uuid(uuid())
    default: .tuple(Tuple(elements: elements(limit: 3, depth: depth + 1)))
    }
  }

  private mutating func pick<Item>(_ items: [Item]) -> Item { items.randomElement(using: &random)! }

  private mutating func bytes() -> [UInt8] {
    (0..<Int.random(in: 0...4, using: &random)).map { _ in
      pick([0, 0, 1, 2, 0x14, 0x7F, 0xFE, 0xFF])
    }
  }

  private mutating func string() -> String {
    let scalars: [UnicodeScalar] = [
      "\0", "\0", "\u{1}", "a", "b", "\u{7F}", "\u{80}", "é", "e", "\u{301}", "\u{7FF}", "\u{800}",
      "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...4, using: &random) { text.unicodeScalars.append(pick(scalars)) }
    return text
  }

  private mutating func integer() -> Int128 {
    let base: Int128 =
      Bool.random(using: &random) ? 0 : 1 << Int128.random(in: 0...64, using: &random)
    let magnitude = min(max(base + Int128.random(in: -2...2, using: &random), 0), 1 << 64 - 1)
    return Bool.random(using: &random) ? magnitude : -magnitude
  }

  private mutating func number() -> Double {
    let numbers: [Double] = [
      0, 1, 1.5, 2, 1e300, .infinity, .leastNonzeroMagnitude, .leastNormalMagnitude,
      .greatestFiniteMagnitude, Double.random(in: 0...3, using: &random),
    ]
    let number = pick(numbers)
    return Int.random(in: 0..<12, using: &random) == 0
      ? .nan : Bool.random(using: &random) ? number : -number
  }

  private mutating func uuid() -> UInt128 {
    pick([0, 1, 1 << 64, .max, UInt128(random.next()) << 64 | UInt128(random.next())])
  }
}
