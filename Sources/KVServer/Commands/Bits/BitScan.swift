import Base

/// Counts and finds bits in part of a string. Bit 0 is the most significant bit of the first byte.
struct BitScan: ~Escapable {
  private let bytes: RawSpan

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  /// The number of set bits in `range`. O(n), eight bytes at a time.
  func countOfOnes(in range: Range<Int>) -> Int {
    var count = 0
    forEachWord(of: range) { word, _, _ in
      count &+= word.nonzeroBitCount
      return true
    }
    return count
  }

  /// The first bit in `range` that equals `wanted`, or nil. O(n), eight bytes at a time.
  func first(_ wanted: Bool, in range: Range<Int>) -> Int? {
    var found: Int?
    forEachWord(of: range) { word, mask, start in
      let matches = wanted ? word : ~word & mask
      guard matches != 0 else { return true }
      found = start &+ matches.leadingZeroBitCount
      return false
    }
    return found
  }

  /// Calls `body` with the bits of `range`, 64 or 8 at a time, until it returns false. `start` is the index of
  /// a word's first bit, which is its most significant one. Bits outside `range` are zero in both word and
  /// mask.
  @inline(__always)
  private func forEachWord(
    of range: Range<Int>, _ body: (_ word: UInt64, _ mask: UInt64, _ start: Int) -> Bool
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount * 8)
    var bit = range.lowerBound & ~7
    while bit < range.upperBound {
      let isWhole = bit >= range.lowerBound && bit &+ 64 <= range.upperBound
      if isWhole {
        let word = bytes.load(at: bit >> 3, as: UInt64.self).byteSwapped
        guard body(word, .max, bit) else { return }
        bit &+= 64
      } else {
        var mask = UInt8.max
        if bit < range.lowerBound { mask &= .max >> UInt8(range.lowerBound &- bit) }
        if bit &+ 8 > range.upperBound { mask &= ~(.max >> UInt8(range.upperBound &- bit)) }
        let word = UInt64(bytes.byte(at: bit >> 3) & mask) << 56
        guard body(word, UInt64(mask) << 56, bit) else { return }
        bit &+= 8
      }
    }
  }
}
