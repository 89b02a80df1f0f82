import Base

/// Reads the elements of an encoded tuple one after another, for keys whose first elements decide what the others are.
/// `Tuple.decode` is for keys of one form.
///
///     var decoder = TupleDecoder(key)
///     switch try decoder.next(Kind.self) {
///     case .order: order = try Order(number: decoder.next(), date: decoder.next())
///     case .invoice: invoice = try Invoice(number: decoder.next())
///     }
///     try decoder.finish()
///
/// The bytes may be any: what no tuple is encoded as throws `.malformed` when it is reached. O(n) for all elements.
public struct TupleDecoder: ~Escapable {
  let bytes: RawSpan
  /// Where the next element begins.
  var offset = 0
  /// How many elements have been read.
  public internal(set) var index = 0

  /// Begins with the first element of `bytes`.
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  /// Whether all elements have been read.
  public var isAtEnd: Bool { offset == bytes.byteCount }

  /// The next element. Throws `.missingElement` at the end and `.typeMismatch` for an element of another type, which may
  /// then be read as what it is.
  @inlinable
  public mutating func next<Item: TupleElement>(_ type: Item.Type = Item.self) throws(TupleError)
    -> Item
  {
    try Item(from: &self)
  }

  /// Throws `.extraElement` unless all elements have been read.
  public func finish() throws(TupleError) {
    if !isAtEnd { throw .extraElement(index: index) }
  }
}

extension Tuple {
  /// The elements of the tuple that `key` is the encoding of. O(n).
  ///
  ///     let (kind, number) = try Tuple.decode(key, as: String.self, Int.self)
  ///
  /// - Throws: `.malformed`, `.typeMismatch`, `.notRepresentable`, and `.missingElement` or `.extraElement` if there are
  ///   fewer or more elements than types.
  @inlinable
  public static func decode<each Item: TupleElement>(
    _ key: borrowing some BytesConvertible & ~Copyable & ~Escapable,
    as types: repeat (each Item).Type
  ) throws(TupleError) -> (repeat each Item) {
    try key.withBytes { (bytes) throws(TupleError) in
      var decoder = TupleDecoder(bytes)
      let elements = (repeat try decoder.next(each types))
      try decoder.finish()
      return elements
    }
  }

  /// The elements of this tuple, such as those of a nested one. As `decode(_:as:)` of its bytes.
  @inlinable
  public func decode<each Item: TupleElement>(
    as types: repeat (each Item).Type
  ) throws(TupleError) -> (repeat each Item) {
    try Self.decode(bytes, as: repeat each types)
  }
}
