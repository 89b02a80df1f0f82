import Glibc

/// Little-endian integers in raw bytes: the one place where a format's fields are loaded and stored. Every access
/// is bounds-checked, in every build.

extension RawSpan {
  /// The little-endian integer at `offset`, at any alignment.
  @inlinable @inline(__always)
  package func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Integer.Type
  ) -> Integer {
    precondition(offset >= 0 && offset &+ MemoryLayout<Integer>.size <= byteCount)
    return unsafe Integer(
      littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Integer.self))
  }

  /// Whether there are `count` bytes at `offset` and all are zero. O(count), at the speed of `memcmp`.
  package func areZero(at offset: Int, count: Int) -> Bool {
    precondition(offset >= 0 && count > 0)
    guard offset &+ count <= byteCount else { return false }
    return unsafe withUnsafeBytes { bytes in
      guard let start = unsafe bytes.baseAddress.map({ unsafe $0 + offset }) else { return false }
      // Each byte equals the one before it, and the first is zero.
      return unsafe start.load(as: UInt8.self) == 0 && memcmp(start, start + 1, count - 1) == 0
    }
  }

  /// The offset of the first `byte` at `offset` or after it; nil if there is none. O(n), at the speed of `memchr`.
  package func firstOffset(of byte: UInt8, from offset: Int) -> Int? {
    precondition(offset >= 0 && offset <= byteCount)
    return unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let found = unsafe memchr(base + offset, Int32(byte), bytes.count - offset)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}

extension MutableRawSpan {
  /// Stores `value` at `offset` in little-endian order, at any alignment.
  @inlinable @inline(__always)
  package mutating func store<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ value: Integer, at offset: Int
  ) {
    precondition(offset >= 0 && offset &+ MemoryLayout<Integer>.size <= byteCount)
    unsafe withUnsafeMutableBytes { buffer in
      unsafe buffer.storeBytes(
        of: value.littleEndian, toByteOffset: offset, as: Integer.self)
    }
  }
}

extension MutableRawSpan {
  /// Copies `bytes` to `offset`. O(n).
  @inlinable @inline(__always)
  package mutating func copy(_ bytes: RawSpan, at offset: Int) {
    let count = bytes.byteCount
    precondition(offset >= 0 && offset &+ count <= byteCount)
    unsafe withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from, byteCount: count)
      }
    }
  }
}

extension [UInt8] {
  /// The array's bytes as a borrowed span.
  @inlinable
  package var rawSpan: RawSpan {
    @_lifetime(borrow self)
    @inline(__always)
    get { unsafe span.bytes }
  }

  /// Appends `value` in little-endian order.
  @inlinable @inline(__always)
  package mutating func appendLittleEndian<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ value: Integer
  ) {
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
  }

  /// Appends a copy of `bytes`.
  package mutating func append(copying bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }

  /// A copy of `bytes`.
  package init(copying bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }
}
