import Base
import CLinux
import Glibc

/// An address and the head of its version chain, newest first. Everything but the head is immutable once the
/// node is published.
///
///      0  head: address of the newest version  UInt, atomic
///      8  hash of the address                  UInt64
///     16  byte count of the key                24 bits
///     19  keyspace                             UInt8
///     20  key, then zeros up to a multiple of 8, at least 8 bytes in all
///
/// The keyspace and the key are adjacent, and so form the stored key. The order of nodes is that of their
/// stored keys.
///
/// The oldest version follows the node directly, so that a key written once occupies one stretch of memory. A
/// node is a borrowed address: its holder must also hold the memtable.
@safe struct KeyNode {
  private let address: UnsafeMutableRawPointer

  /// The node at an address returned by `word`.
  @inline(__always)
  init(at word: UInt) {
    unsafe address = UnsafeMutableRawPointer(bitPattern: word).unsafelyUnwrapped
  }

  /// Creates a node with its first version. No reader can find it until the index and the list publish it.
  @inline(__always)
  init(
    _ entry: EntryAddress, hash: UInt64, header: EntryHeader, value: RawSpan, in arena: inout Arena
  ) {
    let key = entry.key
    let nodeByteCount = Self.byteCount(ofKey: key)
    let address = unsafe arena.allocate(
      byteCount: nodeByteCount &+ KeyVersion.byteCount(ofValue: value))
    unsafe self.address = address
    unsafe address.storeBytes(of: hash, toByteOffset: 8, as: UInt64.self)
    unsafe address.storeBytes(of: Self.frame(of: entry), toByteOffset: 16, as: UInt32.self)
    unsafe key.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      unsafe (address + 20).copyMemory(from: source, byteCount: bytes.count)
    }
    let version = unsafe KeyVersion(
      writingTo: address + nodeByteCount, header: header, value: value, before: 0)
    unsafe AtomicWord(at: address).prepare(version.word)
  }

  private static func byteCount(ofKey key: RawSpan) -> Int {
    (20 &+ max(key.byteCount, 8) &+ 7) & ~7
  }

  var word: UInt { unsafe UInt(bitPattern: address) }

  var hash: UInt64 { unsafe address.load(fromByteOffset: 8, as: UInt64.self) }

  /// The four bytes before the key: its byte count and the keyspace.
  @inline(__always)
  private static func frame(of entry: EntryAddress) -> UInt32 {
    UInt32(truncatingIfNeeded: entry.key.byteCount) | UInt32(entry.keyspace.rawValue) << 24
  }

  @inline(__always)
  private var frame: UInt32 { unsafe address.load(fromByteOffset: 16, as: UInt32.self) }

  /// The byte count of the stored key.
  @inline(__always)
  var storedKeyByteCount: Int { Int(frame & 0xFF_FFFF) &+ 1 }

  /// Prefetches the node and the memory after it, which usually holds its version.
  @inline(__always)
  func fetch() {
    unsafe kvd_prefetch(address)
    unsafe kvd_prefetch(address + 64)
    unsafe kvd_prefetch(address + 128)
  }

  /// Prefetches the newest version. It reads the head, so it does wait for the node.
  @inline(__always)
  func fetchVersion() {
    let head = unsafe AtomicWord(at: address).load()
    unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: head))
    unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: head &+ 64))
    unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: head &+ 128))
  }

  /// Prepends a version to the chain.
  ///
  /// The version is complete before the head is stored with release order, and readers load the head with
  /// acquire order: a reader sees either the old head or the whole new version. An older version with the
  /// same sequence stays in the chain after its successor, where no reader reaches it: each stops at the
  /// first version that is old enough.
  @inline(__always)
  func prepend(header: EntryHeader, value: RawSpan, in arena: inout Arena) {
    let head = unsafe AtomicWord(at: address)
    let memory = unsafe arena.allocate(byteCount: KeyVersion.byteCount(ofValue: value))
    let version = unsafe KeyVersion(
      writingTo: memory, header: header, value: value, before: head.load())
    head.publish(version.word)
  }

  /// The newest version at or below `sequence`. O(versions above it).
  @inline(__always)
  func version(at sequence: SequenceNumber) -> KeyVersion? {
    var candidate = unsafe KeyVersion(at: AtomicWord(at: address).load())
    while let version = candidate, version.sequence > sequence { candidate = version.before }
    return candidate
  }

  /// Lends the stored key in place.
  @inline(__always)
  func withStoredKey<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let bytes = unsafe UnsafeRawBufferPointer(start: address + 19, count: storedKeyByteCount)
    return try unsafe body(bytes.bytes)
  }

  @inline(__always)
  func isAt(_ entry: EntryAddress) -> Bool {
    guard frame == Self.frame(of: entry) else { return false }
    return unsafe entry.key.withUnsafeBytes { bytes in
      guard let other = bytes.baseAddress else { return true }
      return unsafe memcmp(address + 20, other, bytes.count) == 0
    }
  }

  /// Whether the stored key comes before `other` in byte order.
  func isBefore(_ other: RawSpan) -> Bool {
    withStoredKey { $0.isBefore(other) }
  }

  /// Eight bytes of the stored key from `depth` on, as a number that sorts as the bytes do; zeros past the
  /// key's end.
  @inline(__always)
  func window(at depth: Int) -> UInt64 {
    let count = storedKeyByteCount
    if depth &+ 8 <= count { return unsafe bigEndianWord(at: depth) }
    guard depth < count else { return 0 }
    // The last eight bytes, or a shorter key and the zeros after it, shifted up to start at `depth`.
    let start = max(count &- 8, 0)
    return unsafe bigEndianWord(at: start) << UInt64(8 &* (depth &- start))
  }

  /// What `window(at: 0)` returns for a node with this stored key.
  static func window(of storedKey: RawSpan) -> UInt64 { storedKey.orderingWord(at: 0) }

  @unsafe @inline(__always)
  private func bigEndianWord(at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: address.loadUnaligned(fromByteOffset: 19 &+ offset, as: UInt64.self))
  }
}
