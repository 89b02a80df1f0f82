/// The bytes that elements of a tuple begin with; see `Tuple`.
enum TupleCode {
  static let null: UInt8 = 0x00
  static let bytes: UInt8 = 0x01
  static let string: UInt8 = 0x02
  static let tuple: UInt8 = 0x05
  /// Less the byte count for negative integers, and plus the byte count for positive ones.
  static let zero: UInt8 = 0x14
  static let float: UInt8 = 0x20
  static let double: UInt8 = 0x21
  static let `false`: UInt8 = 0x26
  static let `true`: UInt8 = 0x27
  static let uuid: UInt8 = 0x30

  /// Ends bytes, strings and nested tuples.
  static let end: UInt8 = 0x00
  /// After a zero byte: that it ends nothing. No element begins with it.
  static let escape: UInt8 = 0xFF
}

extension Tuple {
  /// The types that elements of a tuple have, in their order.
  public enum ElementType: String, Sendable {
    /// No value.
    case null = "nil"
    /// A string of bytes.
    case bytes
    /// A string of Unicode scalars.
    case string
    /// A nested tuple.
    case tuple
    /// An integer of any width.
    case integer
    /// A 32-bit floating-point number.
    case float = "Float"
    /// A 64-bit floating-point number.
    case double = "Double"
    /// A truth value.
    case bool = "Bool"
    /// A UUID.
    case uuid = "UUID"

    init?(code: UInt8) {
      switch code {
      case TupleCode.null: self = .null
      case TupleCode.bytes: self = .bytes
      case TupleCode.string: self = .string
      case TupleCode.tuple: self = .tuple
      case TupleCode.zero - 8...TupleCode.zero + 8: self = .integer
      case TupleCode.float: self = .float
      case TupleCode.double: self = .double
      case TupleCode.false, TupleCode.true: self = .bool
      case TupleCode.uuid: self = .uuid
      default: return nil
      }
    }
  }
}
