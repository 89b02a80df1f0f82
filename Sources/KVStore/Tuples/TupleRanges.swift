/// Ranges of tuples. All are exact: of the keys that are tuples they contain those described, whatever the elements.
/// A scan goes through any range forward or backward.
///
///     let orders = Tuple("orders", customer)
///     KeyRange.prefix(orders)                                           // all orders of the customer
///     KeyRange(from: orders.appending(2024), to: orders.appending(2026))  // those of 2024 and 2025
///     KeyRange(from: orders.appending(2024), through: orders)             // from 2024 on
extension KeyRange {
  /// `prefix` itself and all tuples that begin with its elements. (Not merely all keys that begin with its bytes: those
  /// of `("a\0b")` begin with those of `("a")`.)
  public static func prefix(_ prefix: Tuple) -> KeyRange {
    KeyRange(from: prefix, through: prefix)
  }

  /// The tuples that begin with the elements of `prefix` and have more.
  public static func extensions(of prefix: Tuple) -> KeyRange {
    KeyRange(from: prefix.bytes + [0], to: prefix.bytes + [TupleCode.escape])
  }

  /// The tuples from `lower` up to `upper`, without `upper` and all that begin with its elements.
  public init(from lower: Tuple, to upper: Tuple) {
    self.init(from: lower.bytes, to: upper.bytes)
  }

  /// The tuples from `lower` up to `upper`, with `upper` and all that begin with its elements.
  public init(from lower: Tuple, through upper: Tuple) {
    // No element begins with this byte, which is greater than all that one does begin with.
    self.init(from: lower.bytes, to: upper.bytes + [TupleCode.escape])
  }
}
