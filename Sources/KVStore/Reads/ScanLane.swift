/// One sorted source of a scan of one keyspace: a memtable, or a partition's file.
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
  private let keyspace: Keyspace

  init(
    _ cursor: MemtableCursor, in keyspace: Keyspace, partition: Int, environment: LMDBEnvironment
  ) {
    self.keyspace = keyspace
    head = Head(partition: partition, checksumSeed: environment.checksumSeed)
    self.environment = environment
    memtable = cursor
    reader = nil
    generation = 0
  }

  init(
    _ reader: ReadTransaction, in keyspace: Keyspace, partition: Int,
    environment: LMDBEnvironment
  ) throws(StoreError) {
    self.keyspace = keyspace
    head = Head(partition: partition, checksumSeed: environment.checksumSeed)
    self.environment = environment
    self.reader = reader
    generation = reader.generation
    file = try FileWalk(reader, in: keyspace)
  }

  /// Moves to the first key that is not before the stored key `bound`.
  func seek(_ bound: [UInt8]) throws(StoreError) {
    try checkView()
    memtable?.seek(bound.rawSpan)
    try settle(file?.seek(bound.rawSpan))
  }

  /// Moves to the last key before the stored key `bound`.
  func seekBackward(_ bound: [UInt8]) throws(StoreError) {
    try checkView()
    memtable?.seekBackward(bound.rawSpan)
    try settle(file?.seekBackward(bound.rawSpan))
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
    if memtable != nil {
      return try memtable!.withEntry { storedKey, header, value throws(StoreError) in
        try body(EntryAddress(storedAs: storedKey).key, header, value)
      }
    }
    return try file!.withCursorEntry { key, stored throws(StoreError) in
      let header = try decode(stored, key: key)
      return try body(
        key, EntryHeader(header), stored.extracting(droppingFirst: StoredValue.headerByteCount))
    }
  }

  func withKey<R>(_ body: (RawSpan) throws(StoreError) -> R) throws(StoreError) -> R {
    if memtable != nil {
      return try memtable!.withStoredKey { storedKey throws(StoreError) in
        try body(EntryAddress(storedAs: storedKey).key)
      }
    }
    return try file!.withCursorEntry { key, _ throws(StoreError) in try body(key) }
  }

  func decode(_ stored: RawSpan, key: RawSpan) throws(StoreError) -> StoredValue.Header {
    try environment.decode(stored, at: EntryAddress(keyspace, key))
  }

  /// - Throws: if the view was released since the lane was made, or has failed: its pages are gone.
  @inline(__always)
  func checkView() throws(StoreError) {
    guard let reader else { return }
    guard reader.isActive, reader.generation == generation, !reader.hasFailed else {
      throw environment.failedView
    }
  }

  /// Whether the memtable's cursor is at a key of the keyspace.
  private var isMemtableInside: Bool {
    memtable!.isValid
      && memtable!.withStoredKey { EntryAddress(storedAs: $0).keyspace == keyspace }
  }

  /// Updates `head`. `isEntry` is nil for a memtable, whose cursor knows it.
  private func settle(_ isEntry: Bool?) throws(StoreError) {
    head.isValid = isEntry ?? isMemtableInside
    head.leaf = file?.leaf
    guard head.isValid else { return }
    if let leaf = head.leaf {
      head.window = leaf.entry.window
    } else {
      head.window = try withKey { key throws(StoreError) in KeyWindow(key) }
    }
  }
}
