/// Eight bytes at a time, for keys and values: made and compared byte by byte they would cost more than
/// what is measured.
extension RawSpan {
  /// The little-endian word at `offset`, which need not be aligned.
  @inline(__always)
  func word(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset + 8 <= byteCount)
    return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// A copy, for a message.
  var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

extension [UInt8] {
  /// Writes `word` at `offset`, least byte first.
  @inline(__always)
  mutating func setWord(_ word: UInt64, at offset: Int) {
    unsafe withUnsafeMutableBytes { bytes in
      precondition(offset >= 0 && offset + 8 <= bytes.count)
      unsafe bytes.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
  }
}

/// The finalizer of SplitMix64: a bijection after which neighbouring numbers have nothing in common.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
@inline(__always)
func mixed(_ number: UInt64) -> UInt64 {
  var z = number
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// SplitMix64: seeded, so that a run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = mixed(seed) }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return mixed(state)
  }

  /// A number in `0..<bound`. The bias for bounds far below 2^32 is of no account here.
  @inline(__always)
  mutating func number(below bound: Int) -> Int {
    Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32)
  }
}
