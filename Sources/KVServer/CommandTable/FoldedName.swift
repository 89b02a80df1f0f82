import Base

/// A command name of up to 16 bytes, in lower case.
struct FoldedName: Equatable, Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  /// Tells a name from the same name followed by zero bytes.
  private var count = 0

  init() {}

  @inline(__always)
  init?(_ name: RawSpan) {
    let count = name.byteCount
    guard count > 0, count <= 16 else { return nil }
    self.count = count
    if count >= 8 {
      low = Self.lowered(name.load(at: 0, as: UInt64.self))
      let end = name.load(at: count &- 8, as: UInt64.self)
      high = Self.lowered(end >> UInt64(8 &* (16 &- count)))
    } else {
      low = Self.lowered(Self.shortWord(name))
    }
  }

  /// Packs fewer than eight bytes into a word with overlapping loads: a byte that is loaded twice lands in the
  /// same place.
  @inline(__always)
  private static func shortWord(_ name: RawSpan) -> UInt64 {
    let count = name.byteCount
    if count < 4 {
      let (middle, last) = (count / 2, count &- 1)
      return UInt64(name.byte(at: 0)) | UInt64(name.byte(at: middle)) << UInt64(8 &* middle)
        | UInt64(name.byte(at: last)) << UInt64(8 &* last)
    }
    return UInt64(name.load(at: 0, as: UInt32.self))
      | UInt64(name.load(at: count &- 4, as: UInt32.self)) << UInt64(8 &* (count &- 4))
  }

  /// Converts the ASCII capitals among eight bytes to lower case, all at once. A constant is added to the low
  /// seven bits of each byte such that the eighth bit becomes set from a given letter on: `A` for the first
  /// sum, the character after `Z` for the second.
  @inline(__always)
  private static func lowered(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let letters = word & (ones &* 0x7F)
    let fromA = letters &+ ones &* (0x80 - 0x41)
    let beyondZ = letters &+ ones &* (0x80 - 0x5B)
    return word | (fromA & ~beyondZ & ~word & (ones &* 0x80)) >> 2
  }

  var hash: Int {
    let mixed = (low ^ (high &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed >> 40)
  }
}
