import Base

/// The form of a value in LMDB: a header of 24 bytes, then the value's own bytes. Little-endian.
///
///     offset  size  field
///          0     4  CRC-32C over the stored key, bytes 4… of the header, and the value; seeded by the store
///          4     1  type of the value, plus one: 1…128
///          5     3  zero
///          8     8  sequence of the write
///         16     8  expiry, milliseconds since 1970; 0 = never
///         24     …  value
///
/// LMDB has no checksums and returns changed bytes silently; this checksum is verified at every read. It
/// covers the keyspace and the key, so that a value which appears at another address is detected too.
enum StoredValue {
  static let headerByteCount = 24

  /// The maximum size of an entry. A larger one is damaged, and is never read.
  static let byteLimit = headerByteCount + Limits.valueByteCount

  struct Header: Sendable, Equatable {
    var sequence: SequenceNumber
    /// The type of the value: 0 for bytes; other types are defined by their writers.
    var type: UInt8 = 0
    /// When the entry expires, in milliseconds since 1970; 0 = never.
    var expiryMilliseconds: UInt64 = 0
  }

  /// Fills `target`, of exactly `headerByteCount + value.byteCount` bytes. O(n), no allocation.
  static func encode(
    _ header: Header, storedKey: RawSpan, value: RawSpan, seed: UInt32,
    into target: inout MutableRawSpan
  ) {
    precondition(target.byteCount == headerByteCount + value.byteCount)
    precondition(header.type <= EntryHeader.typeLimit)
    target.store(UInt32(header.type) + 1, at: 4)
    target.store(header.sequence, at: 8)
    target.store(header.expiryMilliseconds, at: 16)
    unsafe target.withUnsafeMutableBytes { bytes in
      unsafe value.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[headerByteCount...])
          .copyMemory(from: source)
      }
    }
    var crc = CRC32C(seed: seed)
    crc.update(storedKey)
    crc.update(target.bytes.extracting(4..<target.byteCount))
    target.store(crc.value, at: 0)
  }

  /// The header of `stored`, or nil if the entry fails verification; `decode` says why.
  @inline(__always)
  static func soundHeader(_ stored: RawSpan, at address: EntryAddress, seed: UInt32) -> Header? {
    guard stored.byteCount >= headerByteCount else { return nil }
    var crc = CRC32C(seed: seed)
    crc.update(address.keyspace.rawValue, then: address.key)
    crc.update(stored.extracting(4..<stored.byteCount))
    let type = stored.load(at: 4, as: UInt32.self) &- 1
    guard stored.load(at: 0, as: UInt32.self) == crc.value, type <= EntryHeader.typeLimit
    else { return nil }
    return Header(
      sequence: stored.load(at: 8, as: UInt64.self), type: UInt8(truncatingIfNeeded: type),
      expiryMilliseconds: stored.load(at: 16, as: UInt64.self))
  }

  /// Verifies an entry and returns its header; the value follows after `headerByteCount` bytes. O(n), no
  /// allocation. `stored` may be any bytes of any length.
  ///
  /// - Throws: `.corrupted`, naming `file` and the stored key; `.unsupportedFormat` for a kind of a later format.
  static func decode(
    _ stored: RawSpan, at address: EntryAddress, seed: UInt32, file: String
  ) throws(StoreError) -> Header {
    if let header = soundHeader(stored, at: address, seed: seed) { return header }
    guard stored.byteCount >= headerByteCount else {
      throw damage(
        file, address, expected: "at least \(headerByteCount) bytes", found: "\(stored.byteCount)")
    }
    var crc = CRC32C(seed: seed)
    crc.update(address.keyspace.rawValue, then: address.key)
    crc.update(stored.extracting(4..<stored.byteCount))
    let expected = stored.load(at: 0, as: UInt32.self)
    guard expected == crc.value else {
      throw damage(file, address, expected: "CRC-32C \(expected)", found: "\(crc.value)")
    }
    // The upper three bytes are reserved: a kind that uses them belongs to a later format.
    let kindField = stored.load(at: 4, as: UInt32.self)
    throw .unsupportedFormat(
      path: file, found: "value kind \(kindField)",
      supported: "kinds 1 to \(EntryHeader.typeLimit + 1)")
  }

  /// Only the sequence, not verified: for a caller that only compares it, on bytes that were verified before.
  /// Nil if the entry is too short to have one.
  static func sequenceUnverified(_ stored: RawSpan) -> SequenceNumber? {
    stored.byteCount >= headerByteCount ? stored.load(at: 8, as: UInt64.self) : nil
  }

  @inline(never)
  private static func damage(
    _ file: String, _ address: EntryAddress, expected: String, found: String
  ) -> StoreError {
    .corrupted(
      Finding(file: file, at: address, expected: expected, found: found))
  }
}
