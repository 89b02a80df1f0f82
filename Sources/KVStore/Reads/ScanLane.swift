/// One sorted source of a scan: a memtable, or a partition's file.
///
/// What the merge needs for every key is in the lane's `head`, which the merge keeps and moves for as long as
/// it can. The lane does the rest.
final class ScanLane {
  /// The position of a lane, as a plain value: reading it, and moving it within a leaf in the memory map,
  /// needs no reference counting.
  struct Head: BitwiseCopyable {
    /// The index of its partition's view among the views of the scan.
    let partition: Int
    let checksumSeed: UInt32
    var isValid = false
    var window = KeyWindow()
    /// Nil if only the lane has the entry.
    var leaf: MappedLeaf?
  }

  private(set) var head: Head
  private var memtable: MemtableCursor?
  private var file: FileWalk?
  private let reader: ReadTransaction?
  /// The generation of the reader's view that the lane's pages belong to.
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

  /// Moves to the last key before `key`, or to the last of all if it is nil.
  func seekBackward(_ key: RawSpan?) throws(StoreError) {
    try checkView()
    memtable?.seekBackward(key)
    try settle(file?.seekBackward(key))
  }

  /// Moves to the key next to the position of `head`.
  func move(from head: Head, backward: Bool) throws(StoreError) {
    try checkView()
    if memtable != nil { backward ? memtable!.previous() : memtable!.next() }
    try settle(file?.move(from: head.leaf, backward: backward))
  }

  /// Lends the entry, which is not in the memory map; one from LMDB is verified first.
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

  /// - Throws: if the view was released since the lane was made, or has failed: its pages are gone.
  @inline(__always)
  func checkView() throws(StoreError) {
    guard let reader else { return }
    guard reader.isActive, reader.generation == generation, !reader.hasFailed else {
      throw environment.failedView
    }
  }

  /// Updates `head`. `isEntry` is nil for a memtable, whose cursor knows it.
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
