/// Damage that was found on disk: where, what should be there, and what is.
public struct Finding: Error, Sendable, Equatable {
  /// The path of the damaged file.
  public var file: String
  /// The byte in the file where the damage shows. `nil` where only LMDB knows the place, as for a
  /// value in its tree, or where the whole file is meant.
  public var offset: UInt64?
  /// The key whose entry is damaged, if it is one entry's damage.
  public var key: [UInt8]?
  /// What a sound file holds there.
  public var expected: String
  /// What was found instead.
  public var found: String

  /// Damage in `file`.
  public init(
    file: String, offset: UInt64? = nil, key: [UInt8]? = nil, expected: String, found: String
  ) {
    self.file = file
    self.offset = offset
    self.key = key
    self.expected = expected
    self.found = found
  }
}

extension Finding: CustomStringConvertible {
  /// One line for a person.
  public var description: String {
    var place = file
    if let offset { place += " at byte \(offset)" }
    if let key { place += ", key \(Self.printable(key))" }
    return "\(place): expected \(expected), found \(found)"
  }

  /// A key as a person can read and type it: printable ASCII as it is, every other byte as `\xNN`.
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
