import Base

#if canImport(Glibc)
  import Glibc
#endif

/// A growable queue of raw bytes, appended at the tail and consumed at the head.
///
/// Used for the input of a connection and for its output. An empty buffer owns no memory after `release()`, so
/// an idle connection costs none.
///
/// Complexity: appending and consuming are amortised O(1) per byte; nothing is allocated while the buffered
/// bytes fit the capacity reached before.
@safe
public struct ByteBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer?
  public internal(set) var capacity = 0
  @usableFromInline var head = 0
  @usableFromInline var tail = 0

  @inlinable public init() { unsafe base = nil }

  deinit { unsafe free(base) }

  @inlinable public var count: Int { tail &- head }
  @inlinable public var isEmpty: Bool { tail == head }

  /// Lends the bytes between head and tail.
  @inlinable @inline(__always)
  public borrowing func withBytes<R: ~Copyable, E: Error>(
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let bytes = unsafe UnsafeRawBufferPointer(start: base.map { unsafe $0 + head }, count: count)
    return try body(unsafe bytes.bytes)
  }

  /// The byte at `offset` from the head.
  @inlinable @inline(__always)
  public subscript(offset: Int) -> UInt8 {
    get {
      precondition(offset >= 0 && offset < count)
      return unsafe base.unsafelyUnwrapped.load(fromByteOffset: head &+ offset, as: UInt8.self)
    }
    set {
      precondition(offset >= 0 && offset < count)
      unsafe base.unsafelyUnwrapped.storeBytes(
        of: newValue, toByteOffset: head &+ offset, as: UInt8.self)
    }
  }

  /// The offset of the first `byte` at or after `start`, or nil.
  public func firstOffset(of byte: UInt8, from start: Int, limit: Int = .max) -> Int? {
    precondition(start >= 0)
    let length = min(count, limit) &- start
    guard length > 0 else { return nil }
    let from = unsafe base.unsafelyUnwrapped + head + start
    guard let found = unsafe memchr(from, Int32(byte), length) else { return nil }
    return unsafe start + (found - from)
  }

  /// Makes room for `byteCount` more bytes after the tail.
  @inlinable @inline(__always)
  public mutating func reserve(_ byteCount: Int) {
    if capacity &- tail < byteCount { makeRoom(for: byteCount) }
  }

  @usableFromInline mutating func makeRoom(for byteCount: Int) {
    precondition(byteCount >= 0)
    let live = count
    let isMostlyConsumed = head >= live
    moveToStart()
    if isMostlyConsumed, capacity - live >= byteCount { return }
    // Small buffers double; large ones grow by a quarter, to leave less unused.
    let ahead = capacity < 1 << 20 ? capacity * 2 : capacity + capacity / 4
    resize(to: max(512, max(live + byteCount, ahead)))
  }

  /// How many bytes the buffer can hold without growing, including those already in it.
  public var totalRoom: Int { mayMove ? capacity : capacity &- head }

  /// Makes the buffer large enough for `byteCount` bytes, including those already in it. Grows no further
  /// than that.
  ///
  /// Complexity: O(bytes consumed since the last move), except for small buffers and when it grows.
  public mutating func reserveTotal(_ byteCount: Int) {
    guard capacity - head < byteCount else { return }
    if mayMove { moveToStart() }
    if capacity - head < byteCount { resize(to: head + byteCount) }
  }

  /// Whether the bytes may be moved to the start: if at least as many were consumed, or if they are few.
  /// Otherwise a long queue would be moved again and again while its head is consumed.
  private var mayMove: Bool { head >= count || count <= Self.movedAnyTime }
  private static let movedAnyTime = 64 << 10

  /// Moves the bytes into a small buffer of their own and leaves the memory to `spare`.
  public mutating func shrink(leaving spare: inout ByteBuffer) {
    var small = ByteBuffer()
    small.reserveTotal(count + 512)
    withBytes { small.append($0) }
    swap(&self, &small)
    small.consume(small.count)
    swap(&small, &spare)
  }

  private mutating func moveToStart() {
    guard head > 0 else { return }
    if count > 0 { unsafe memmove(base!, base! + head, count) }
    tail = count
    head = 0
  }

  /// realloc(3): the kernel moves large blocks without copying. The head must be 0.
  private mutating func resize(to byteCount: Int) {
    guard let resized = unsafe realloc(base, byteCount) else { fatalError("out of memory") }
    unsafe base = resized
    capacity = byteCount
  }

  @inlinable @inline(__always)
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
    tail &+= 1
  }

  @inlinable @inline(__always)
  public mutating func append(_ bytes: RawSpan) {
    let byteCount = bytes.byteCount
    guard byteCount > 0 else { return }
    reserve(byteCount)
    unsafe bytes.withUnsafeBytes { source in
      _ = unsafe memcpy(
        base.unsafelyUnwrapped + tail, source.baseAddress.unsafelyUnwrapped, byteCount)
    }
    tail &+= byteCount
  }

  @inlinable @inline(__always)
  public mutating func append(_ text: StaticString) {
    let byteCount = text.utf8CodeUnitCount
    reserve(byteCount)
    unsafe memcpy(base.unsafelyUnwrapped + tail, text.utf8Start, byteCount)
    tail &+= byteCount
  }

  /// Appends a copy of the bytes at `range`, counted from the head.
  public mutating func append(copyOf range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    guard !range.isEmpty else { return }
    reserve(range.count)
    unsafe memcpy(base! + tail, base! + head + range.lowerBound, range.count)
    tail += range.count
  }

  /// Lets `fill` write after the tail, where at least `byteCount` bytes are free; it returns how many it
  /// wrote.
  public mutating func fillTail(
    atLeast byteCount: Int, atMost limit: Int = .max, _ fill: (UnsafeMutableRawBufferPointer) -> Int
  ) {
    reserve(byteCount)
    let room = unsafe UnsafeMutableRawBufferPointer(
      start: base! + tail, count: min(limit, capacity - tail))
    let written = unsafe fill(room)
    precondition(written >= 0 && written <= room.count)
    tail += written
  }

  /// Removes `byteCount` bytes from the head.
  @inlinable @inline(__always)
  public mutating func consume(_ byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count)
    head &+= byteCount
    if head == tail {
      head = 0
      tail = 0
    }
  }

  /// Drops everything after the first `byteCount` bytes.
  public mutating func truncate(to byteCount: Int) {
    precondition(byteCount >= 0 && byteCount <= count)
    tail = head + byteCount
  }

  /// Inserts `bytes` at `offset`, moving what follows.
  public mutating func insert(_ bytes: RawSpan, at offset: Int) {
    precondition(offset >= 0 && offset <= count)
    let following = count - offset
    let byteCount = bytes.byteCount
    guard byteCount > 0 else { return }
    reserve(byteCount)
    unsafe bytes.withUnsafeBytes { source in
      let gap = unsafe base! + head + offset
      unsafe memmove(gap + byteCount, gap, following)
      unsafe memcpy(gap, source.baseAddress!, byteCount)
    }
    tail += byteCount
  }

  /// Frees the memory of an empty buffer.
  public mutating func release() {
    guard isEmpty, capacity > 0 else { return }
    unsafe free(base)
    unsafe base = nil
    capacity = 0
    head = 0
    tail = 0
  }
}
