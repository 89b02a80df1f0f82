import Base

/// A contiguous buffer of records, filled by the sequencer and written by the log writer.
///
/// There are two, used alternately. Each belongs to one side at a time, and they are swapped under the
/// coordinator's lock. It is a struct rather than a class so that its owners access its fields without reference
/// counting.
@safe struct LogBuffer: ~Copyable {
  /// A buffer that a giant batch has grown beyond this is shrunk when it is next emptied.
  private static let retainedByteCount = 4 << 20
  private static let initialByteCount = 256 << 10

  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  /// The bytes in use.
  private(set) var byteCount = 0
  /// The LSN of the first byte.
  private(set) var start = LSN.zero

  init() {
    capacity = Self.initialByteCount
    unsafe memory = .allocate(byteCount: capacity, alignment: 4096)
  }

  deinit {
    unsafe memory.deallocate()
  }

  /// The LSN just after the last byte.
  var end: LSN { start.advanced(by: byteCount) }

  /// Empties the buffer and sets the LSN of its next byte.
  mutating func reset(start: LSN) {
    byteCount = 0
    self.start = start
    if capacity > Self.retainedByteCount {
      unsafe memory.deallocate()
      capacity = Self.initialByteCount
      unsafe memory = .allocate(byteCount: capacity, alignment: 4096)
    }
  }

  /// Drops all bytes from offset `byteCount` on.
  mutating func truncate(to byteCount: Int) {
    precondition(byteCount <= self.byteCount)
    self.byteCount = byteCount
  }

  /// Adds `count` bytes to be filled in later.
  mutating func appendHole(_ count: Int) {
    reserve(count)
    byteCount &+= count
  }

  /// Adds a copy of `bytes`. Amortised O(n).
  mutating func append(_ bytes: RawSpan) {
    let count = bytes.byteCount
    reserve(count)
    unsafe bytes.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe (memory + byteCount).copyMemory(from: from, byteCount: count)
      }
    }
    byteCount &+= count
  }

  /// Adds `value` in little-endian order.
  mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    let count = MemoryLayout<Integer>.size
    reserve(count)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: byteCount, as: Integer.self)
    byteCount &+= count
  }

  /// Adds zeros up to the next multiple of a record's alignment.
  mutating func pad() {
    reserve(RecordHeader.alignment)
    unsafe memory.storeBytes(of: 0, toByteOffset: byteCount, as: UInt64.self)
    byteCount = (byteCount &+ RecordHeader.alignment &- 1) & ~(RecordHeader.alignment &- 1)
  }

  /// Adds `count` bytes that `fill` writes, after a single capacity check.
  @inline(__always)
  mutating func append(byteCount count: Int, _ fill: (inout MutableRawSpan) -> Void) {
    reserve(count)
    let room = unsafe UnsafeMutableRawBufferPointer(start: memory + byteCount, count: count)
    var span = unsafe room.mutableBytes
    fill(&span)
    byteCount &+= count
  }

  /// Overwrites the four bytes at `offset` with `value`.
  mutating func replace(at offset: Int, with value: UInt32) {
    precondition(offset + 4 <= byteCount)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  /// Overwrites the eight bytes at `offset` with `value`.
  mutating func replace(at offset: Int, with value: UInt64) {
    precondition(offset + 8 <= byteCount)
    unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  /// Completes the record whose header space starts at `offset`.
  mutating func seal(_ header: RecordHeader, at offset: Int, seed: UInt32) {
    precondition(offset + header.recordByteCount == byteCount)
    let bytes = unsafe UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    var span = unsafe bytes.mutableBytes
    header.seal(&span, at: offset, seed: seed)
  }

  /// Lends the bytes in `range`.
  func withBytes<R, E: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    let bytes = unsafe UnsafeRawBufferPointer(start: memory + range.lowerBound, count: range.count)
    return try body(unsafe bytes.bytes)
  }

  @inline(__always)
  private mutating func reserve(_ count: Int) {
    if byteCount &+ count > capacity { grow(to: byteCount + count) }
  }

  @inline(never)
  private mutating func grow(to least: Int) {
    capacity = max(2 * capacity, least)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 4096)
    unsafe larger.copyMemory(from: memory, byteCount: byteCount)
    unsafe memory.deallocate()
    unsafe memory = larger
  }
}
