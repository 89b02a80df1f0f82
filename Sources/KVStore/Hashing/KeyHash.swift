import Base

/// A keyed 64-bit hash of keys, for in-memory tables only: it is never written to disk.
///
/// The construction is that of wyhash and rapidhash: sixteen bytes at a time are masked with secrets, multiplied to
/// 128 bits and folded to 64. Here every secret comes from the seed. A client that does not know the seed cannot
/// choose an operand that makes a product zero, and can find colliding keys only by timing.
struct KeyHash: Sendable {
  private let start: UInt64
  private let maskA: UInt64
  private let maskB: UInt64
  private let maskC: UInt64

  /// A hash whose values are unrelated to those of another seed. Take the seed from the system's random source.
  init(seed: UInt64) {
    var state = SplitMix(state: seed)
    start = state.next()
    maskA = state.next()
    maskB = state.next()
    maskC = state.next()
  }

  /// The hash of an address; all 64 bits are usable. O(n).
  @inline(__always)
  func hash(_ address: EntryAddress) -> UInt64 {
    let key = address.key
    let count = key.byteCount
    // An odd multiplier, so that each keyspace has a start of its own.
    var state = start ^ UInt64(address.keyspace.rawValue) &* 0x9E37_79B9_7F4A_7C15
    let first: UInt64
    let second: UInt64
    if count <= 16 {
      (first, second) = Self.shortWords(of: key)
    } else {
      state = absorb(key, into: state)
      first = key.load(at: count &- 16, as: UInt64.self)
      second = key.load(at: count &- 8, as: UInt64.self)
    }
    let product = (first ^ maskA).multipliedFullWidth(by: second ^ state)
    return Self.fold(product.low ^ maskB, product.high ^ maskC ^ UInt64(truncatingIfNeeded: count))
  }

  /// Folds all of a key longer than sixteen bytes into the state, except its last one to sixteen bytes.
  private func absorb(_ key: RawSpan, into start: UInt64) -> UInt64 {
    var state = start
    var offset = 0
    while offset &+ 16 < key.byteCount {
      state = Self.fold(
        key.load(at: offset, as: UInt64.self) ^ maskB,
        key.load(at: offset &+ 8, as: UInt64.self) ^ state)
      offset &+= 16
    }
    return state
  }

  /// At most sixteen bytes as two words. The loads overlap if there are fewer. Different keys of one length
  /// still give different words, and the length itself is mixed in at the end.
  @inline(__always)
  private static func shortWords(of key: RawSpan) -> (UInt64, UInt64) {
    let count = key.byteCount
    if count >= 8 {
      return (key.load(at: 0, as: UInt64.self), key.load(at: count &- 8, as: UInt64.self))
    }
    if count >= 4 {
      return (
        UInt64(key.load(at: 0, as: UInt32.self)), UInt64(key.load(at: count &- 4, as: UInt32.self))
      )
    }
    if count == 0 { return (0, 0) }
    let ends =
      UInt64(key.load(at: 0, as: UInt8.self)) << 8
      | UInt64(key.load(at: count &- 1, as: UInt8.self))
    return (ends, UInt64(key.load(at: count / 2, as: UInt8.self)))
  }

  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

/// SplitMix64, which expands one seed into several secrets that look independent.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
