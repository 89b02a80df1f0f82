/// One ordered source of a scan: a memtable's keys, or those of a partition's file.
///
/// What the merge needs with every key is in its `head`, which the merge keeps and moves as long as it can;
/// the lane is for all that is left.
final class ScanLane {
  /// Where a lane stands, as a plain value: to look at it, and to move it within a leaf in the map, counts
  /// no reference.
  struct Head: BitwiseCopyable {
    /// The partition it belongs to, by its place among the views of the scan.
    let partition: Int
    let checksumSeed: UInt32
    var isValid = false
    var window = KeyWindow()
    /// Nil where only the lane has the entry.
    var leaf: MappedLeaf?
  }

  private(set) var head: Head
  private var memtable: MemtableCursor?
  private var file: FileWalk?
  private let reader: ReadTransaction?
  /// The reader's view that the lane's pages belong to.
  private let generation: Int
  private let environment: LMDBEnvironment

  init(_ cursor: MemtableCursor, partition: Int, environment: LMDBEnvironment) {
    head = Head(partition: partition, checksumSeed: environment.checksumSeed)
    self.environment = environment
    memtable = cursor
    reader = nil
    generation = 0
  }

  init(
    _ reader: ReadTransaction, partition: Int, environment: LMDBEnvironment
  ) throws(StoreError) {
    head = Head(partition: partition, checksumSeed: environment.checksumSeed)
    self.environment = environment
    self.reader = reader
    generation = reader.generation
    file = try FileWalk(reader)
  }

  func seek(_ key: RawSpan) throws(StoreError) {
    try checkView()
    memtable?.seek(key)
    try settle(file?.seek(key))
  }

  /// Goes to the last key before `key`, or to the last of all.
  func seekBackward(_ key: RawSpan?) throws(StoreError) {
    try checkView()
    memtable?.seekBackward(key)
    try settle(file?.seekBackward(key))
  }

  /// Goes to the key next to where `head` has come to.
  func move(from head: Head, backward: Bool) throws(StoreError) {
    try checkView()
    if memtable != nil { backward ? memtable!.previous() : memtable!.next() }
    try settle(file?.move(from: head.leaf, backward: backward))
  }

  /// Lends the entry, which is not in the map; one out of LMDB is verified first.
  func withEntry<R>(
    _ body: (_ key: RawSpan, _ header: EntryHeader, _ value: RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if memtable != nil { return try memtable!.withEntry(body) }
    return try file!.withCursorEntry { key, stored throws(StoreError) in
      let header = try decode(stored, key: key)
      return try body(
        key, EntryHeader(header), stored.extracting(droppingFirst: StoredValue.headerByteCount))
    }
  }

  func withKey<R>(_ body: (RawSpan) throws(StoreError) -> R) throws(StoreError) -> R {
    if memtable != nil { return try memtable!.withKey(body) }
    return try file!.withCursorEntry { key, _ throws(StoreError) in try body(key) }
  }

  func decode(_ stored: RawSpan, key: RawSpan) throws(StoreError) -> StoredValue.Header {
    try environment.decode(stored, key: key)
  }

  /// - Throws: where the view was let go of since the lane was made, or has failed: the pages are gone then.
  @inline(__always)
  func checkView() throws(StoreError) {
    guard let reader else { return }
    guard reader.isActive, reader.generation == generation, !reader.hasFailed else {
      throw environment.failedView
    }
  }

  /// `isEntry` is nil where the lane is a memtable's, which knows itself.
  private func settle(_ isEntry: Bool?) throws(StoreError) {
    head.isValid = isEntry ?? memtable!.isValid
    head.leaf = file?.leaf
    guard head.isValid else { return }
    if let leaf = head.leaf {
      head.window = leaf.entry.window
    } else {
      head.window = try withKey { key throws(StoreError) in KeyWindow(key) }
    }
  }
}
