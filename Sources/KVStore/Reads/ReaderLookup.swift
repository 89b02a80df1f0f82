import Base

/// Looking one key up.
extension Reader {
  /// Lends the newest version that has not expired.
  @inline(__always)
  func withVersion<R>(
    of key: RawSpan, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withStoredVersion(of: key, in: partition, hash: hash, through: through) {
      header, value throws(StoreError) in
      if let header, expiry.hides(header.expiry, of: key) { return try body(nil, RawSpan()) }
      return try body(header, value)
    }
  }

  /// Lends the newest version, expired or not.
  @inline(__always)
  func withStoredVersion<R>(
    of key: RawSpan, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendStoredVersion(of: key, in: partition, hash: hash, through: through) {
      header, value throws(StoreError) in result = try body(header, value)
    }
    guard let result else { preconditionFailure("a look-up that lent nothing") }
    return result
  }

  /// The same for whatever is made of it: as one piece of code it stays in the processor's cache.
  @inline(never)
  func lendStoredVersion(
    of key: RawSpan, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    let view = views[partition]
    while true {
      let (handle, sequence) = begin(view, in: partition, through: through)
      var hiding: SequenceNumber = 0
      if handle.isWhole {
        let shown = DeliberateBug.shown(sequence, of: partition)
        if let version = handle.version(of: key, hash: hash, at: shown) {
          return try lend(version, of: partition, body)
        }
      } else {
        hiding = view.tombstoneSequence(over: key, at: sequence)
        let isLent = try view.lendFromMemory(
          key, hash: hash, at: sequence, hiding: hiding, body)
        if isLent { return }
      }
      if !view.isFileOpen {
        if through != .max { CrashPoint.reached(.lookupBeforeFile) }
        try view.openFile()
        let isCurrent = view.isCurrent && newest(through) == sequence
        guard isCurrent || DeliberateBug.readsSequenceBeforeFile.isOn else { continue }
      }
      return try view.lendFromFile(key, hiding: hiding, body)
    }
  }

  @inline(__always)
  private func lend(
    _ version: KeyVersion, of partition: Int,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    // What is lent is there as long as these.
    let layers = views[partition].layers
    defer { withExtendedLifetime(layers) {} }
    let header = version.header
    guard header.kind == .put else { return try body(nil, RawSpan()) }
    try version.withValue { value throws(StoreError) in try body(header, value) }
  }

  /// What a look-up of one key begins with: the view, made current, and then the sequence that it is read at.
  ///
  /// In this order, because apply leaves out what a later range delete hides: with the sequence read first, that
  /// range delete may be carried out and published before the layers are taken, which then lack an entry that the
  /// sequence still has. Whatever the layers show as applied or removed was published before they were taken,
  /// so a sequence read after them covers it.
  ///
  /// Layers that are replaced between the two steps need no second try, as a cut over several partitions does:
  /// they still hold every batch that was published when the look-up began, and what they lack is newer than
  /// that. The look-up then has its place in the order at the end of what they hold.
  ///
  /// That is so where the view of the file is as old as the layers. One that is opened between or after the two steps
  /// may lack what was there before, and what has replaced it may be in layers that are newer still: so a look-up that
  /// has to open the file begins again, unless both the layers and the sequence are still the newest. Then nothing has
  /// been applied that the look-up does not see, and what it sees is in the layers or in the file.
  @inline(__always)
  private func begin(
    _ view: PartitionView, in partition: Int, through: SequenceNumber
  ) -> (handle: LookupHandle, sequence: SequenceNumber) {
    let handle = currentHandle(view, to: partition)
    letOthersIn(through)
    return (handle, newest(through))
  }

  @inline(__always)
  private func newest(_ through: SequenceNumber) -> SequenceNumber {
    max(keyspace.watermarks.published, through)
  }

  /// In a simulation, between the two steps. With `.max` it is the sequencer that reads, inside a lock.
  @inline(__always)
  private func letOthersIn(_ through: SequenceNumber) {
    if through != .max { CrashPoint.reached(.lookupBetweenSteps) }
  }

  /// What a look-up begins with that must find everything: the view is made current if it is not.
  @inline(__always)
  private func currentHandle(_ view: PartitionView, to partition: Int) -> LookupHandle {
    if let handle = view.handle, view.isCurrent { return handle }
    touch(partition)
    return view.makeHandle()
  }

  /// The sequence of the newest batch that wrote or removed `key`, published or not, of those that are in the
  /// memory which the last look-up in the partition saw; 0 if there is none.
  func newestChange(of key: RawSpan, in partition: Int, hash: UInt64) -> SequenceNumber {
    guard let layers = views[partition].layers else { return 0 }
    var newest: SequenceNumber = 0
    for layer in [layers.active] + layers.sealed {
      let version = layer.memtable.index.find(key, hash: hash)?.version(at: .max)
      newest = max(newest, version?.header.sequence ?? 0)
    }
    return newest
  }
}
