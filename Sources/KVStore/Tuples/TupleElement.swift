/// A type whose values can be elements of a tuple: integers of up to 64 bits, `Bool`, `Float`, `Double`, strings,
/// bytes, `Tuple`, and optionals of these. The target KVFoundation adds `UUID`, `Date` and `Data`.
///
/// A type of your own conforms by way of one that does. If it is `RawRepresentable`, declaring it is enough:
///
///     enum Status: String, TupleElement { case open, paid }
///
///     extension OrderID: TupleElement {
///       func append(to tuple: inout Tuple) { tuple.append(number) }
///       init(from decoder: inout TupleDecoder) throws(TupleError) { self.init(try decoder.next(Int64.self)) }
///     }
public protocol TupleElement {
  /// Adds this value to the end of `tuple`, as one element.
  func append(to tuple: inout Tuple)

  /// Reads what `append` has written. Throws what `decoder` throws, and `.notRepresentable` for an element of the right
  /// type that is no value of this one.
  init(from decoder: inout TupleDecoder) throws(TupleError)
}

extension TupleElement where Self: RawRepresentable, RawValue: TupleElement {
  /// Adds the raw value.
  @inlinable
  public func append(to tuple: inout Tuple) {
    rawValue.append(to: &tuple)
  }

  /// Reads a raw value. Throws `.notRepresentable` if there is no value for it.
  @inlinable
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    let index = decoder.index
    guard let value = Self(rawValue: try RawValue(from: &decoder)) else {
      throw .notRepresentable(index: index, type: "\(Self.self)")
    }
    self = value
  }
}

extension Optional: TupleElement where Wrapped: TupleElement {
  /// Adds the value, or nil, which sorts before all values.
  @inlinable
  public func append(to tuple: inout Tuple) {
    if let self { self.append(to: &tuple) } else { tuple.appendNull() }
  }

  /// Reads nil or a value.
  @inlinable
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = decoder.skipNull() ? nil : try Wrapped(from: &decoder)
  }
}
