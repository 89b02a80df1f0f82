import Base
import Synchronization

/// The newest part of a partition, in memory: every version of every key written since the previous memtable
/// was sealed. Keys are found by hash in O(1), and sorted only on demand.
///
/// One thread at a time inserts. Readers on any thread never wait for it, and it never waits for them.
/// Written data never moves or changes, except for four kinds of atomic words that lead to it: the head of a
/// key's versions, a slot of the hash index (and the address of its newest table), the bounds of the keys,
/// and the count of the node list. Each is stored with release order once everything it leads to is complete,
/// and loaded with acquire order. So a reader finds whole versions or none.
///
/// The caller ensures that a reader finds *every* version up to its sequence: it publishes a sequence, itself
/// with release order, only after the inserts at that sequence have returned.
///
/// Sound as `@unchecked Sendable`: `writer` is touched only by `insert`, which one thread at a time may call;
/// everything else is immutable, atomic as described above, or behind a lock.
@safe final class Memtable: @unchecked Sendable {
  /// The state of the inserting thread.
  private struct Writer: ~Copyable {
    var arena: Arena
    var listEnd: NodeList.Position
    var newestSequence: SequenceNumber = 0
  }

  private let keyHash: KeyHash
  /// Finds nodes; also used to prefetch them.
  let index: HashIndex
  private let list: NodeList
  private let arenaByteCount: AtomicWord
  private let span: KeyBounds
  private let runByteCount = Atomic(0)
  private let runSet = Lock(RunSet())
  private let writer: UnsafeMutablePointer<Writer>

  /// - Parameter spare: where memory is taken from and returned to.
  init(hash: KeyHash, spare: PagePool = PagePool(byteLimit: 0)) {
    var arena = Arena(from: spare)
    keyHash = hash
    // The words that change with every insert have a cache line of their own, so that plain lookups do not
    // contend for it.
    let counters = unsafe arena.allocate(byteCount: 64)
    unsafe arenaByteCount = AtomicWord(at: counters)
    list = unsafe NodeList(published: AtomicWord(at: counters + 8), in: &arena)
    index = unsafe HashIndex(
      newest: AtomicWord(at: arena.allocate(byteCount: 64)), in: &arena)
    span = unsafe KeyBounds(
      greatest: AtomicWord(at: counters + 16), leastInverted: AtomicWord(at: counters + 24))
    arenaByteCount.publish(UInt(arena.byteCount))
    unsafe writer = .allocate(capacity: 1)
    unsafe writer.initialize(to: Writer(arena: arena, listEnd: list.start))
  }

  deinit {
    unsafe writer.deinitialize(count: 1)
    unsafe writer.deallocate()
  }

  /// The hash of `address`, as `insert` and `withVersion` take it.
  @inline(__always)
  func hash(of address: EntryAddress) -> UInt64 { keyHash.hash(address) }

  /// Adds a version of the entry at `address`. Sequences must not decrease; of two versions with the same
  /// address and sequence the later one counts. O(1) amortized.
  func insert(_ address: EntryAddress, header: EntryHeader, value: RawSpan, hash: UInt64) {
    precondition(unsafe header.sequence >= writer.pointee.newestSequence)
    precondition(header.sequence < 1 << 56)
    unsafe writer.pointee.newestSequence = header.sequence
    if let node = index.find(address, hash: hash) {
      unsafe node.prepend(header: header, value: value, in: &writer.pointee.arena)
    } else {
      let node = unsafe KeyNode(
        address, hash: hash, header: header, value: value, in: &writer.pointee.arena)
      span.include(node.window(at: 0))
      unsafe index.insert(node, hash: hash, after: list, in: &writer.pointee.arena)
      unsafe list.append(node, at: &writer.pointee.listEnd, in: &writer.pointee.arena)
    }
    unsafe writer.pointee.arena.fetchNext()
    arenaByteCount.publish(unsafe UInt(bitPattern: writer.pointee.arena.byteCount))
  }

  /// All memory held, in bytes: entries, index and ordered runs. Callable from any thread.
  var byteCount: Int {
    Int(bitPattern: arenaByteCount.load()) + runByteCount.load(ordering: .relaxed)
  }

  /// The number of distinct keys. Callable from any thread.
  var keyCount: Int { list.count }

  var isEmpty: Bool { keyCount == 0 }

  /// Returns false only if no key inserted so far lies in `range`. O(1); callable from any thread.
  func mayHold(_ range: StoredRange) -> Bool { span.mayOverlap(range) }

  /// Lends the newest version of the entry at `address` at or below `sequence`. Lends a nil header and no bytes if there is
  /// none here, which says nothing about older memtables and the file. O(1) expected, plus the number of
  /// versions above `sequence`.
  @inline(__always)
  func withVersion<R, E: Error>(
    at address: EntryAddress, hash: UInt64, at sequence: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(E) -> R
  ) throws(E) -> R {
    guard let version = index.find(address, hash: hash)?.version(at: sequence) else {
      return try body(nil, RawSpan())
    }
    return try version.withValue { value throws(E) in try body(version.header, value) }
  }

  /// A cursor over every key inserted so far, each with its newest version at or below `sequence`. It may or
  /// may not see keys inserted later. O(new keys · log n) amortized, on the calling thread, which never waits
  /// for another thread's sorting.
  func makeCursor(at sequence: SequenceNumber) -> MemtableCursor {
    var set = runSet.withLock { $0 }
    if list.count > set.coveredCount {
      set.extend(over: list)
      publish(set)
    }
    return MemtableCursor(memtable: self, runs: set.runs, sequence: sequence)
  }

  /// Sorts all keys inserted so far into a single run, which makes cursors cheap: for a sealed memtable that
  /// is about to be applied. O(n). Other threads may make cursors meanwhile.
  func order() {
    var set = runSet.withLock { $0 }
    set.unify(over: list)
    publish(set)
  }

  /// Publishes runs that were sorted outside the lock: sorting takes tens of milliseconds, and event loops
  /// take this lock. Two threads may sort the same keys; each continues with its own runs, and the better set
  /// is kept.
  private func publish(_ new: RunSet) {
    runSet.withLock { set in
      guard new.isBetter(than: set) else { return }
      set = new
      runByteCount.store(new.byteCount, ordering: .relaxed)
    }
  }
}
