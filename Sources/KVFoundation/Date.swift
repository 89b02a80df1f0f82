public import FoundationEssentials
public import KVStore

extension Date: TupleElement {
  /// Adds an integer: the milliseconds since 1970 in UTC, to the nearest. A date that these cannot tell is the first or
  /// the last one that they can.
  public func append(to tuple: inout Tuple) {
    let milliseconds = (timeIntervalSince1970 * 1000).rounded()
    tuple.append(Int64(exactly: milliseconds) ?? (milliseconds < 0 ? .min : .max))
  }

  /// Reads an integer as milliseconds since 1970.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self.init(timeIntervalSince1970: Double(try decoder.next(Int64.self)) / 1000)
  }
}
