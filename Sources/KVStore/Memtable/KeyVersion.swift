import Base

/// One version of a key's value. Immutable once the key's head points to it.
///
///      0  address of the next older version   UInt, 0 in the oldest
///      8  sequence << 8 | type << 1 | kind    UInt64
///     16  expiry                              UInt64, milliseconds since 1970, 0 = never
///     24  byte count of the value             UInt32
///     28  value
///
/// A version is a borrowed address: its holder must also hold the memtable.
@safe struct KeyVersion {
  private let address: UnsafeMutableRawPointer

  init?(at word: UInt) {
    guard let address = unsafe UnsafeMutableRawPointer(bitPattern: word) else { return nil }
    unsafe self.address = address
  }

  /// Writes a version into fresh memory of `byteCount(ofValue:)` bytes.
  @inline(__always)
  init(
    writingTo address: UnsafeMutableRawPointer, header: EntryHeader, value: RawSpan, before: UInt
  ) {
    unsafe self.address = address
    unsafe address.storeBytes(of: before, as: UInt.self)
    unsafe address.storeBytes(
      of: header.sequence << 8 | UInt64(header.type << 1 | header.kind.rawValue), toByteOffset: 8,
      as: UInt64.self)
    unsafe address.storeBytes(of: header.expiry, toByteOffset: 16, as: UInt64.self)
    unsafe address.storeBytes(of: UInt32(value.byteCount), toByteOffset: 24, as: UInt32.self)
    unsafe value.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      unsafe (address + 28).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  static func byteCount(ofValue value: RawSpan) -> Int { 28 &+ value.byteCount }

  var word: UInt { unsafe UInt(bitPattern: address) }

  var before: KeyVersion? { unsafe KeyVersion(at: address.load(as: UInt.self)) }

  @inline(__always)
  var sequence: SequenceNumber { unsafe address.load(fromByteOffset: 8, as: UInt64.self) >> 8 }

  @inline(__always)
  var header: EntryHeader {
    let packed = unsafe address.load(fromByteOffset: 8, as: UInt64.self)
    return unsafe EntryHeader(
      sequence: packed >> 8,
      kind: packed & 1 == 1 ? .put : .delete,
      type: UInt8(truncatingIfNeeded: packed) >> 1,
      expiry: address.load(fromByteOffset: 16, as: UInt64.self))
  }

  /// Lends the value's bytes in place.
  @inline(__always)
  func withValue<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    let count = unsafe Int(address.load(fromByteOffset: 24, as: UInt32.self))
    let bytes = unsafe UnsafeRawBufferPointer(start: address + 28, count: count)
    return try unsafe body(bytes.bytes)
  }
}
