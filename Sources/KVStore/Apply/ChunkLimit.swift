/// How much one LMDB transaction of the apply or purge worker may change.
///
/// LMDB keeps every page that a transaction changes in anonymous memory until it commits. A key changes
/// one leaf at the most, and there are no more leaves than there are, so the leaves bound the memory of
/// a transaction over keys that are scattered.
struct ChunkLimit {
  /// Keys, when each may change a page of its own.
  var keyCount: Int
  /// The bytes of keys and values.
  var byteCount: Int

  /// The limits for a file whose data takes `leafPageCount` pages, with `memory` bytes to spend.
  init(memory: Int, leafPageCount: Int, pageByteCount: Int) {
    let pages = max(256, memory / pageByteCount)
    // With fewer leaves than pages to spend every leaf may change; new ones fill one after the other.
    keyCount = leafPageCount * 2 <= pages ? .max : pages
    byteCount = max(1 << 20, memory / 2)
  }
}
