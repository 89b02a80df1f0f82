import TxnWAL

/// One ordered source of a scan: a memtable's keys, or LMDB's.
///
/// A class, because an LMDB cursor can be moved but not copied.
final class ScanLane {
  /// The partition it belongs to, by its place among the views of the scan.
  let partition: Int
  private var memtable: MemtableCursor?
  private var lmdb: Cursor?
  private let environment: LMDBEnvironment
  private(set) var isValid = false
  private(set) var window = KeyWindow()

  init(_ cursor: MemtableCursor, partition: Int, environment: LMDBEnvironment) {
    self.partition = partition
    self.environment = environment
    memtable = cursor
  }

  init(_ cursor: consuming Cursor, partition: Int, environment: LMDBEnvironment) {
    self.partition = partition
    self.environment = environment
    memtable = nil
    lmdb = consume cursor
  }

  func seek(_ key: RawSpan) throws(StoreError) {
    if memtable != nil {
      memtable!.seek(key)
      settle()
    } else {
      settle(try lmdb!.seek(key))
    }
  }

  /// Goes to the last key before `key`, or to the last of all.
  func seekBackward(_ key: RawSpan?) throws(StoreError) {
    if memtable != nil {
      memtable!.seekBackward(key)
      settle()
    } else if let key {
      settle(try lmdb!.seekBackward(key))
    } else {
      settle(try lmdb!.last())
    }
  }

  func move(backward: Bool) throws(StoreError) {
    if memtable != nil {
      backward ? memtable!.previous() : memtable!.next()
      settle()
    } else {
      settle(try backward ? lmdb!.previous() : lmdb!.next())
    }
  }

  func withKey<R>(_ body: (RawSpan) throws(StoreError) -> R) throws(StoreError) -> R {
    if memtable != nil { return try memtable!.withKey(body) }
    try lmdb!.checkView()
    return try lmdb!.withEntry { key, _ throws(StoreError) in try body(key) }
  }

  /// Lends the entry; one out of LMDB is verified first.
  func withEntry<R>(
    _ body: (_ key: RawSpan, _ header: EntryHeader, _ value: RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if memtable != nil { return try memtable!.withEntry(body) }
    try lmdb!.checkView()
    return try lmdb!.withEntry { key, stored throws(StoreError) in
      let header = try environment.decode(stored, key: key)
      return try body(
        key,
        EntryHeader(header),
        stored.extracting(droppingFirst: StoredValue.headerByteCount))
    }
  }

  /// Negative, zero or positive as this lane's key comes before, is, or comes behind `other`'s.
  func compare(to other: ScanLane) throws(StoreError) -> Int {
    try withKey { mine throws(StoreError) in
      try other.withKey { theirs throws(StoreError) in mine.compare(to: theirs) }
    }
  }

  private func settle() {
    isValid = memtable!.isValid
    if isValid { window = memtable!.withKey { KeyWindow($0) } }
  }

  private func settle(_ isEntry: Bool) {
    isValid = isEntry
    if isEntry { window = lmdb!.withEntry { key, _ in KeyWindow(key) } }
  }
}
