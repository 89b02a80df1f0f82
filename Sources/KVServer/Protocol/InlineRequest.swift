/// Requests typed by hand: words separated by spaces, quoted by Redis's rules.
///
/// In double quotes `\n \r \t \b \a \xHH` are escapes, and `\` before any other byte stands for that byte;
/// in single quotes only `\'` is an escape. A closing quote must be followed by a space or the end of the
/// line.
enum InlineRequest {
  /// Splits the first `end` bytes of `buffer` into `arguments`; false if quotes are unbalanced.
  ///
  /// A word without its escapes is never longer than with them, so it is rewritten in place.
  static func split(
    _ buffer: inout ByteBuffer, upTo end: Int, into arguments: inout [Range<Int>]
  ) -> Bool {
    var offset = 0
    while true {
      while offset < end, isSpace(buffer[offset]) { offset += 1 }
      guard offset < end else { return true }
      let start = offset
      var written = offset
      var quote: UInt8?
      word: while true {
        guard offset < end else {
          if quote != nil { return false }
          break word
        }
        let byte = buffer[offset]
        offset += 1
        switch (quote, byte) {
        case (0x22, 0x5C) where offset < end:
          let (decoded, length) = escape(in: buffer, at: offset, end: end)
          buffer[written] = decoded
          written += 1
          offset += length
        case (0x27, 0x5C) where offset < end && buffer[offset] == 0x27:
          buffer[written] = 0x27
          written += 1
          offset += 1
        case (.some(let open), _) where byte == open:
          guard offset == end || isSpace(buffer[offset]) else { return false }
          break word
        case (nil, 0x22), (nil, 0x27):
          quote = byte
        case (nil, _) where isSpace(byte):
          break word
        default:
          buffer[written] = byte
          written += 1
        }
      }
      arguments.append(start..<written)
    }
  }

  /// The byte that an escape stands for, and the length of the escape without its backslash.
  private static func escape(
    in buffer: borrowing ByteBuffer, at offset: Int, end: Int
  ) -> (byte: UInt8, length: Int) {
    let byte = buffer[offset]
    switch byte {
    case 0x78:
      if offset + 2 < end, let high = hexadecimal(buffer[offset + 1]),
        let low = hexadecimal(buffer[offset + 2])
      {
        return (high << 4 | low, 3)
      }
      return (byte, 1)
    case 0x6E: return (0x0A, 1)
    case 0x72: return (0x0D, 1)
    case 0x74: return (0x09, 1)
    case 0x62: return (0x08, 1)
    case 0x61: return (0x07, 1)
    default: return (byte, 1)
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }
}
