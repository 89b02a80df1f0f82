/// What a key's value is, told from the key's index and a version, so that any value that is read can be
/// checked whole. The first eight bytes are the version; the rest is noise that no compression shrinks.
enum Values {
  /// Fills `value` for version `version` of the key of `index`. Values are of 16 bytes at least.
  @inline(__always)
  static func write(_ index: Int, version: UInt32, into value: inout [UInt8]) {
    let seed = seed(index, version)
    let count = value.count
    value.setWord(UInt64(version), at: 0)
    var offset = 8
    while offset + 8 <= count {
      value.setWord(word(seed, offset), at: offset)
      offset += 8
    }
    // The last word overlaps the one before it.
    if offset < count { value.setWord(word(seed, count), at: count - 8) }
  }

  /// Whether `value` is version `version` of the key of `index`, all of it.
  @inline(__always)
  static func matches(_ value: RawSpan, index: Int, version: UInt32, byteCount: Int) -> Bool {
    guard value.byteCount == byteCount, value.word(at: 0) == UInt64(version) else { return false }
    let seed = seed(index, version)
    let isRagged = byteCount % 8 != 0
    // The last whole word is overwritten in part where the length is ragged.
    let end = isRagged ? byteCount - 8 : byteCount
    var difference: UInt64 = 0
    var offset = 8
    while offset + 8 <= end {
      difference |= value.word(at: offset) ^ word(seed, offset)
      offset += 8
    }
    if isRagged { difference |= value.word(at: byteCount - 8) ^ word(seed, byteCount) }
    return difference == 0
  }

  @inline(__always)
  private static func seed(_ index: Int, _ version: UInt32) -> UInt64 {
    mixed(UInt64(truncatingIfNeeded: index) << 32 ^ UInt64(version))
  }

  @inline(__always)
  private static func word(_ seed: UInt64, _ offset: Int) -> UInt64 {
    mixed(seed &+ UInt64(truncatingIfNeeded: offset))
  }
}

/// The newest acknowledged version of each key, 0 where it has none: what a store must hold afterwards.
///
/// Sound to share: of the threads that write at one time, each writes the indices that it owns, and
/// nobody reads before they have ended.
@safe
final class VersionTable: @unchecked Sendable {
  let count: Int
  private let versions: UnsafeMutableBufferPointer<UInt32>

  init(count: Int, version: UInt32 = 0) {
    self.count = count
    unsafe versions = .allocate(capacity: count)
    unsafe versions.initialize(repeating: version)
  }

  deinit { unsafe versions.deallocate() }

  subscript(index: Int) -> UInt32 {
    @inline(__always) get {
      precondition(index >= 0 && index < count)
      return unsafe versions[index]
    }
    @inline(__always) set {
      precondition(index >= 0 && index < count)
      unsafe versions[index] = newValue
    }
  }

  /// The keys that have a value.
  var presentCount: Int { unsafe versions.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } }
}
