import Base

extension Tuple {
  /// An element of any type, for code that learns the types only from the key: tools, logs, query languages.
  public enum Element: Sendable, Hashable {
    /// No value.
    case null
    /// A string of bytes.
    case bytes([UInt8])
    /// A string of Unicode scalars.
    case string(String)
    /// A nested tuple.
    case tuple(Tuple)
    /// An integer from -(2^64 - 1) to 2^64 - 1. Adding another to a tuple traps.
    case integer(Int128)
    /// A 32-bit floating-point number.
    case float(Float)
    /// A 64-bit floating-point number.
    case double(Double)
    /// A truth value.
    case bool(Bool)
    /// A UUID: its 16 bytes as a number, in big-endian order.
    case uuid(UInt128)
  }

  /// All elements. O(n).
  public var elements: [Element] {
    walk { decoder throws(TupleError) in
      var elements: [Element] = []
      while !decoder.isAtEnd { elements.append(try decoder.next()) }
      return elements
    }
  }
}

extension Tuple.Element: TupleElement {
  /// Adds the value.
  public func append(to tuple: inout Tuple) {
    switch self {
    case .null: tuple.appendNull()
    case .bytes(let value): value.append(to: &tuple)
    case .string(let value): value.append(to: &tuple)
    case .tuple(let value): value.append(to: &tuple)
    case .integer(let value): tuple.append(integer: value)
    case .float(let value): value.append(to: &tuple)
    case .double(let value): value.append(to: &tuple)
    case .bool(let value): value.append(to: &tuple)
    case .uuid(let value): tuple.append(uuid: value)
    }
  }

  /// Reads an element of any type.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    switch try decoder.nextType() {
    case .null:
      _ = decoder.skipNull()
      self = .null
    case .bytes: self = .bytes(try decoder.nextBytes())
    case .string: self = .string(try decoder.nextString())
    case .tuple: self = .tuple(try decoder.nextTuple())
    case .integer: self = .integer(try decoder.nextInteger())
    case .float: self = .float(try decoder.nextFloat())
    case .double: self = .double(try decoder.nextDouble())
    case .bool: self = .bool(try decoder.nextBool())
    case .uuid: self = .uuid(try decoder.nextUUID())
    }
  }
}

extension Tuple: CustomStringConvertible {
  /// The elements in parentheses, for people to read.
  public var description: String {
    "(" + elements.map(\.description).joined(separator: ", ") + ")"
  }
}

extension Tuple.Element: CustomStringConvertible {
  /// The value as it would be written in Swift; bytes as text with a `b` in front, and a UUID in its usual form.
  public var description: String {
    switch self {
    case .null: "nil"
    case .bytes(let value): "b" + Finding.printable(value)
    case .string(let value): String(reflecting: value)
    case .tuple(let value): value.description
    case .integer(let value): value.description
    case .float(let value): value.description
    case .double(let value): value.description
    case .bool(let value): value.description
    case .uuid(let value): Self.describe(uuid: value)
    }
  }

  private static func describe(uuid: UInt128) -> String {
    var digits = String(uuid, radix: 16)
    digits = String(repeating: "0", count: 32 - digits.count) + digits
    var rest = digits[...]
    return [8, 4, 4, 4, 12].map { count in
      defer { rest = rest.dropFirst(count) }
      return String(rest.prefix(count))
    }.joined(separator: "-")
  }
}
