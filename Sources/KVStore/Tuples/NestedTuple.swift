import Base

extension Tuple: TupleElement {
  /// Adds this tuple as one element. O(its size). Traps if tuples then lie more than `nestingLimit` deep.
  public func append(to tuple: inout Tuple) {
    tuple.bytes.append(TupleCode.tuple)
    // Only elements of this tuple itself: a nil further down was escaped when its own tuple was nested.
    walk { decoder throws(TupleError) in
      while !decoder.isAtEnd {
        if decoder.skipNull() {
          tuple.bytes += [TupleCode.null, TupleCode.escape]
        } else {
          let element = try decoder.skip(depth: 1)
          tuple.bytes += bytes[element]
        }
      }
    }
    tuple.bytes.append(TupleCode.end)
  }

  /// Reads a nested tuple.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextTuple()
  }

  /// Decodes the tuple's own bytes, which are always sound.
  func walk<Result>(_ body: (inout TupleDecoder) throws(TupleError) -> Result) -> Result {
    var decoder = TupleDecoder(bytes.rawSpan)
    do throws(TupleError) {
      return try body(&decoder)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}
