import CLinux

/// A bump allocator whose memory is freed all at once.
///
/// Chunks are mapped straight from the system rather than taken from `malloc`, whose free lists would keep
/// the memory after the memtable is gone: the store's memory budget holds only if freed memory really
/// returns. `PagePool` keeps a bounded part of it, which the budget counts. Fresh memory is zeroed, and the
/// layouts built on it rely on that.
///
///     chunk   address of the previous chunk   UInt, 0 in the first
///             byte count                      Int
///             unused, up to a cache line
///             allocations, each at a multiple of 8
///
/// The owner confines the arena to one thread; the memory it returns may be shared.
@safe struct Arena: ~Copyable {
  private static let headerByteCount = 64
  private static let smallestChunkByteCount = 64 << 10
  private static let largestChunkByteCount = 1 << 20

  private var next: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  private var newestChunk: UnsafeMutableRawPointer
  private var nextChunkByteCount: Int
  private var mappedByteCount: Int
  private let spare: PagePool

  init(from spare: PagePool) {
    self.spare = spare
    let byteCount = Self.smallestChunkByteCount
    unsafe newestChunk = Self.mapChunk(byteCount: byteCount, before: nil, from: spare)
    unsafe next = newestChunk + Self.headerByteCount
    unsafe end = newestChunk + byteCount
    nextChunkByteCount = byteCount * 2
    mappedByteCount = byteCount
  }

  deinit {
    var chunk = unsafe Optional(newestChunk)
    while let current = unsafe chunk {
      let before = unsafe current.load(as: UInt.self)
      let byteCount = unsafe current.load(fromByteOffset: 8, as: Int.self)
      unsafe spare.unmap(current, byteCount: byteCount)
      unsafe chunk = UnsafeMutableRawPointer(bitPattern: before)
    }
  }

  /// All memory used so far: every chunk, less what is left of the current one.
  var byteCount: Int { unsafe mappedByteCount &- (end - next) }

  /// Returns `byteCount` zeroed bytes at a multiple of 8, valid as long as the arena. O(1), apart from
  /// mapping a new chunk.
  @inline(__always)
  mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    let rounded = (byteCount &+ 7) & ~7
    if unsafe rounded <= end - next {
      let result = unsafe next
      unsafe next = result + rounded
      return unsafe result
    }
    return unsafe allocateFromNewChunk(byteCount: rounded)
  }

  /// Prefetches the memory that is handed out next, for writing. Otherwise a write that misses the cache
  /// stalls the next atomic operation.
  @inline(__always)
  func fetchNext() {
    unsafe kvd_prefetch_for_writing(next)
    unsafe kvd_prefetch_for_writing(next + 64)
    unsafe kvd_prefetch_for_writing(next + 128)
  }

  /// An allocation larger than a quarter of the largest chunk gets a chunk of its own, and the current chunk
  /// stays in use. Any other one abandons the rest of the current chunk, which is less than a quarter of the
  /// new one.
  @inline(never)
  private mutating func allocateFromNewChunk(byteCount: Int) -> UnsafeMutableRawPointer {
    if byteCount > Self.largestChunkByteCount / 4 {
      return unsafe allocateOwnChunk(byteCount: byteCount)
    }
    while nextChunkByteCount / 4 < byteCount { nextChunkByteCount *= 2 }
    let chunkByteCount = nextChunkByteCount
    nextChunkByteCount = min(chunkByteCount * 2, Self.largestChunkByteCount)
    mappedByteCount += chunkByteCount
    unsafe newestChunk = Self.mapChunk(byteCount: chunkByteCount, before: newestChunk, from: spare)
    unsafe next = newestChunk + Self.headerByteCount + byteCount
    unsafe end = newestChunk + chunkByteCount
    return unsafe newestChunk + Self.headerByteCount
  }

  private mutating func allocateOwnChunk(byteCount: Int) -> UnsafeMutableRawPointer {
    let chunkByteCount = SystemPages.roundedUp(byteCount + Self.headerByteCount)
    mappedByteCount += chunkByteCount
    unsafe newestChunk = Self.mapChunk(byteCount: chunkByteCount, before: newestChunk, from: spare)
    return unsafe newestChunk + Self.headerByteCount
  }

  private static func mapChunk(
    byteCount: Int, before: UnsafeMutableRawPointer?, from spare: PagePool
  ) -> UnsafeMutableRawPointer {
    let chunk = unsafe spare.map(byteCount: byteCount)
    unsafe chunk.storeBytes(of: UInt(bitPattern: before), as: UInt.self)
    unsafe chunk.storeBytes(of: byteCount, toByteOffset: 8, as: Int.self)
    return unsafe chunk
  }
}
