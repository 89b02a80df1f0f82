/// Damage found on disk: where it is, what was expected and what was found.
public struct Finding: Error, Sendable, Equatable {
  /// The path of the damaged file.
  public var file: String
  /// The byte offset of the damage in the file. `nil` if only LMDB knows the place (a value in its tree), or if the
  /// damage concerns the whole file.
  public var offset: UInt64?
  /// The key of the damaged entry, if a single entry is damaged.
  public var key: [UInt8]?
  /// The keyspace of that entry; 0 for users' keys.
  public var keyspace: UInt8
  /// What an undamaged file holds there.
  public var expected: String
  /// What was found instead.
  public var found: String

  /// Damage in `file`.
  public init(
    file: String, offset: UInt64? = nil, key: [UInt8]? = nil, keyspace: UInt8 = 0,
    expected: String, found: String
  ) {
    self.file = file
    self.offset = offset
    self.key = key
    self.keyspace = keyspace
    self.expected = expected
    self.found = found
  }
}

extension Finding: CustomStringConvertible {
  /// One line for an operator.
  public var description: String {
    var place = file
    if let offset { place += " at byte \(offset)" }
    if let key { place += ", key \(Self.printable(key))" }
    if key != nil, keyspace != 0 { place += " of keyspace 0x" + String(keyspace, radix: 16) }
    return "\(place): expected \(expected), found \(found)"
  }

  /// A key in a form that can be read and typed: printable ASCII unchanged, every other byte as `\xNN`.
  package static func printable(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text += "\\" + String(UnicodeScalar(byte))
      case 0x20...0x7E:
        text += String(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16)
        text += digits.count == 1 ? "\\x0" + digits : "\\x" + digits
      }
    }
    return text + "\""
  }
}
