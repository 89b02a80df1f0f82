public import FoundationEssentials
public import KVStore

extension UUID: TupleElement {
  /// Adds the 16 bytes.
  public func append(to tuple: inout Tuple) {
    tuple.append(uuid: number)
  }

  /// Reads 16 bytes.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self.init(number: try decoder.nextUUID())
  }

  /// The 16 bytes as a number, in big-endian order.
  private var number: UInt128 {
    unsafe withUnsafeBytes(of: uuid) { bytes in
      unsafe bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }
  }

  private init(number: UInt128) {
    var bytes = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)).uuid
    unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
      unsafe bytes.storeBytes(of: number.bigEndian, as: UInt128.self)
    }
    self.init(uuid: bytes)
  }
}
