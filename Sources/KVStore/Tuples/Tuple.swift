import Base

/// A compound key: elements of several types in one byte string that sorts as the elements do.
///
///     let orders = Tuple("orders", customer)
///     let key = orders.appending(2026, 42)
///     let (_, _, year, number) = try Tuple.decode(key, as: String.self, UUID.self, Int.self, Int.self)
///     let ofTheYear = KeyRange.prefix(orders.appending(2026))
///
/// Tuples are compared element by element, and one comes before all others that begin with it. Elements of different
/// types sort in the order of this table; there is one order for integers of all widths, signed and unsigned.
///
///     element   code   after the code
///     nil       00     in a nested tuple, ff
///     bytes     01     the bytes, with ff after each 00; then 00
///     string    02     its UTF-8, in the same way
///     tuple     05     its elements, then 00
///     integer   0c…13  below 0: the magnitude in 8…1 bytes, as few as can be; big-endian, every bit inverted
///               14     0
///               15…1c  above 0: the magnitude in 1…8 bytes, as few as can be; big-endian
///     Float     20     4 bytes, big-endian IEEE 754: every bit inverted if the sign bit is set, else that one
///     Double    21     8 bytes, in the same way
///     false     26
///     true      27
///     UUID      30     16 bytes
///
///     ("user", -1, nil)          02 75 73 65 72 00 | 13 fe | 00
///     (("a", nil), "b\0")        05 02 61 00 00 ff 00 | 02 62 00 ff 00
///
/// The encoding never changes. It is that of FoundationDB's tuple layer (`design/tuple.md` in its repository), with
/// all types that are standard there, so its bindings for other languages read and write the same keys. A value has
/// one encoding, and decoding refuses any other bytes:
///
/// - Strings are ordered by their UTF-8, which is the order of Unicode scalars, and are not normalized: two strings
///   that Swift's `==` calls equal can be two keys.
/// - Numbers are ordered as IEEE 754's `totalOrder` has it: -∞ … -0 < 0 … ∞ < NaN. -0 and 0 are two keys (adding 0 to
///   a number turns -0 into 0). All NaNs become one, 7ff8000000000000. FoundationDB's bindings keep a NaN's bits;
///   those of any other NaN are refused.
/// - `Float` and `Double` are two types: the same number as one and as the other is two keys.
///
/// A tuple may be nested 32 deep (`nestingLimit`). It may be longer than a key; the store then refuses it.
public struct Tuple: Sendable, Hashable {
  /// The encoded elements. The bytes of a tuple begin with those of any tuple of its first elements.
  public internal(set) var bytes: [UInt8]

  /// The tuple without elements, and without bytes.
  public init() {
    bytes = []
  }

  /// The tuple of `elements`: `Tuple("user", 42)`. A tuple among them is nested. O(n).
  @inlinable
  public init<each Item: TupleElement>(_ elements: repeat each Item) {
    self.init(beginning: Tuple())
    repeat (each elements).append(to: &self)
  }

  /// Begins with the elements of `tuple` and has room for a few more, so that most keys are allocated once.
  @usableFromInline
  init(beginning tuple: Tuple) {
    bytes = []
    bytes.reserveCapacity(tuple.bytes.count + 48)
    bytes += tuple.bytes
  }

  /// The tuple of as many elements as there are. O(n).
  public init(elements: some Sequence<some TupleElement>) {
    self.init()
    for element in elements { element.append(to: &self) }
  }

  /// The tuple that `key` is the encoding of. O(n).
  ///
  /// - Throws: `.malformed` if it is not that of any tuple.
  public init(encoded key: borrowing some BytesConvertible & ~Copyable & ~Escapable)
    throws(TupleError)
  {
    bytes = try key.withBytes { (bytes) throws(TupleError) in
      var decoder = TupleDecoder(bytes)
      while !decoder.isAtEnd { try decoder.skip() }
      return [UInt8](bytes)
    }
  }

  /// How many tuples may lie within each other, the outermost not counted.
  public static let nestingLimit = 32

  /// Adds one element at the end. Amortized O(its size).
  @inlinable
  public mutating func append(_ element: some TupleElement) {
    element.append(to: &self)
  }

  /// Adds the elements of `other` at the end, without nesting them. O(its size).
  public mutating func append(contentsOf other: Tuple) {
    bytes += other.bytes
  }

  /// A tuple of these elements and then `elements`. O(n).
  @inlinable
  public func appending<each Item: TupleElement>(_ elements: repeat each Item) -> Tuple {
    var tuple = Tuple(beginning: self)
    repeat (each elements).append(to: &tuple)
    return tuple
  }
}

extension Tuple: Comparable {
  /// The order of the elements, which is that of the bytes. O(n).
  public static func < (one: Tuple, other: Tuple) -> Bool {
    one.bytes.isBefore(other.bytes)
  }
}

extension Tuple: BytesConvertible {
  /// Lends the encoding in place.
  @inlinable
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withBytes(body)
  }
}
