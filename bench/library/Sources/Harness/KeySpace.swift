/// Keys of 16 bytes, each made from its index and readable back, in an order unlike that of the indices.
///
///     0    region: keys of one region are one range
///     1    7 bytes of a hash of the index: the order of keys
///     8    the index, 7 bytes, greatest first
///     15   a byte chosen so that the key lies in the partition that `partition(of:count:)` tells
///
/// kvd places a key by its CRC16, the peers by what is cheapest for them, the index's low bits in byte
/// 14; both come to the same place, so that every engine spreads a batch alike. (One key in some hundreds
/// happens to hold `{…}`, of which kvd hashes the inside alone, and lies elsewhere.)
struct KeySpace: Sendable {
  static let keyByteCount = 16
  /// Indices come in groups of as many as there are partitions at most.
  static let groupCount = 32

  let region: UInt8
  let seed: UInt64

  init(region: UInt8, seed: UInt64) {
    self.region = region
    self.seed = seed
  }

  /// The range of all its keys.
  var bounds: (lower: [UInt8], upper: [UInt8]) { ([region], [region + 1]) }

  /// The partition of the key of `index`, where there are `count`: a power of two, 32 at most.
  static func partition(of index: Int, count: Int) -> Int {
    (index & (groupCount - 1)) * count / groupCount
  }

  /// The same for a key's own bytes.
  @inline(__always)
  static func partition(of key: [UInt8], count: Int) -> Int {
    (Int(key[14]) & (groupCount - 1)) * count / groupCount
  }

  /// The 56 bits that order the keys.
  @inline(__always)
  func order(of index: Int) -> UInt64 {
    mixed(UInt64(truncatingIfNeeded: index) ^ seed) >> 8
  }

  /// Makes `key`, of 16 bytes already, the key of `index`.
  @inline(__always)
  func write(_ index: Int, into key: inout [UInt8]) {
    key.setWord((UInt64(region) << 56 | order(of: index)).byteSwapped, at: 0)
    key.setWord((UInt64(truncatingIfNeeded: index) << 8).byteSwapped, at: 8)
    key[15] = Placement.lastByte(of: key, group: index & (Self.groupCount - 1))
  }

  /// The key of `index`.
  func key(_ index: Int) -> [UInt8] {
    var key = [UInt8](repeating: 0, count: Self.keyByteCount)
    write(index, into: &key)
    return key
  }

  /// The index that `key` was made from, if it was made here.
  func index(of key: RawSpan) -> Int? {
    guard key.byteCount == Self.keyByteCount else { return nil }
    let first = key.word(at: 0).byteSwapped
    let index = Int(truncatingIfNeeded: key.word(at: 8).byteSwapped >> 8)
    return first == UInt64(region) << 56 | order(of: index) ? index : nil
  }

  /// The indices below `count` in the order of their keys, but for a few neighbours: enough to load a
  /// store quickly. O(n log n).
  func ordered(_ count: Int) -> [UInt32] {
    precondition(count <= 1 << 32)
    var pairs = (0..<count).map { order(of: $0) << 8 & ~0xFFFF_FFFF | UInt64($0) }
    pairs.sort()
    return pairs.map { UInt32(truncatingIfNeeded: $0) }
  }
}

/// Where kvd puts a key: CRC16 (XMODEM) modulo 16384, the slots spread evenly. The sum is linear, so one
/// byte at a key's end is enough to move it into any of 32 partitions.
enum Placement {
  /// The last byte with which `key` comes into the partitions' `group` of 32.
  @inline(__always)
  static func lastByte(of key: [UInt8], group: Int) -> UInt8 {
    var register: UInt16 = 0
    for position in 0..<15 {
      register = register << 8 ^ table[Int(UInt8(register >> 8) ^ key[position])]
    }
    // With a last byte of zero.
    register = register << 8 ^ table[Int(register >> 8)]
    return lastBytes[Self.group(of: register) ^ group]
  }

  private static func group(of register: UInt16) -> Int { Int(register >> 9) & 31 }

  private static let table: [UInt16] = (0..<256).map { byte in
    var register = UInt16(byte) << 8
    for _ in 0..<8 {
      register = register & 0x8000 != 0 ? register << 1 ^ 0x1021 : register << 1
    }
    return register
  }

  /// For each change of the group, a byte that makes it.
  private static let lastBytes: [UInt8] = {
    var bytes = [UInt8](repeating: 0, count: KeySpace.groupCount)
    for byte in (0..<256).reversed() { bytes[group(of: table[byte])] = UInt8(byte) }
    return bytes
  }()
}
