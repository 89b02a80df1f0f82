/// Why bytes could not be read as a tuple with elements of given types.
public enum TupleError: Error, Sendable, Equatable {
  /// No tuple has this encoding: the element that begins at `offset` has a defect. The key was not made as a tuple, or
  /// was damaged.
  case malformed(offset: Int, Defect)

  /// The element is of another type than the one asked for. The key has another form.
  case typeMismatch(index: Int, expected: Tuple.ElementType, found: Tuple.ElementType)

  /// The element is of the right type, but no value of the Swift type asked for: a wider one is needed, or the key was
  /// made by a program with more cases.
  case notRepresentable(index: Int, type: String)

  /// The tuple has only `index` elements, fewer than are asked for.
  case missingElement(index: Int, expected: Tuple.ElementType? = nil)

  /// The tuple has more elements than the `index` that are asked for.
  case extraElement(index: Int)

  /// What is wrong with an element's bytes.
  public enum Defect: Sendable, Equatable {
    /// The bytes end before the element does.
    case truncated
    /// No element begins with this byte.
    case unknownCode(UInt8)
    /// The integer has leading zero bytes.
    case overlongInteger
    /// A NaN with other bits than those that every NaN is encoded with.
    case otherNaN
    /// The string is not well-formed UTF-8.
    case invalidUTF8
    /// Tuples lie in each other more than `Tuple.nestingLimit` deep.
    case nestedTooDeeply
  }
}

extension TupleError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .malformed(let offset, let defect):
      "not a tuple's encoding: at byte \(offset), \(defect)"
    case .typeMismatch(let index, let expected, let found):
      "element \(index) of the tuple is of type \(found.rawValue), not \(expected.rawValue)"
    case .notRepresentable(let index, let type):
      "element \(index) of the tuple is no value of \(type)"
    case .missingElement(let index, let expected):
      "the tuple ends after \(index) elements"
        + (expected.map { "; expected one more, of type \($0.rawValue)" } ?? "")
    case .extraElement(let index):
      "the tuple has more than \(index) elements"
    }
  }
}

extension TupleError.Defect: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated: "an element that the end cuts off"
    case .unknownCode(let code): "an unknown type code, 0x\(String(code, radix: 16))"
    case .overlongInteger: "an integer with leading zero bytes"
    case .otherNaN: "a NaN that is not the canonical one"
    case .invalidUTF8: "a string that is not UTF-8"
    case .nestedTooDeeply: "tuples nested more than \(Tuple.nestingLimit) deep"
    }
  }
}
