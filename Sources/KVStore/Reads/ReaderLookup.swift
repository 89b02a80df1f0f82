import Base

/// Lookups of one entry.
extension Reader {
  /// Lends the newest version, or nil if it has expired.
  @inline(__always)
  func withVersion<R>(
    of address: EntryAddress, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withStoredVersion(of: address, in: partition, hash: hash, through: through) {
      header, value throws(StoreError) in
      if let header, expiry.hides(header.expiry, of: address) { return try body(nil, RawSpan()) }
      return try body(header, value)
    }
  }

  /// Lends the newest version, expired or not.
  @inline(__always)
  func withStoredVersion<R>(
    of address: EntryAddress, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendStoredVersion(of: address, in: partition, hash: hash, through: through) {
      header, value throws(StoreError) in result = try body(header, value)
    }
    guard let result else { preconditionFailure("the lookup did not call its body") }
    return result
  }

  /// The same, but not specialized for its result: as one piece of code it stays in the processor's cache.
  @inline(never)
  func lendStoredVersion(
    of address: EntryAddress, in partition: Int, hash: UInt64, through: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    let view = views[partition]
    while true {
      let (handle, sequence) = begin(view, in: partition, through: through)
      var hiding: SequenceNumber = 0
      if handle.isWhole {
        let shown = DeliberateBug.shown(sequence, of: partition)
        if let version = handle.version(of: address, hash: hash, at: shown) {
          return try lend(version, of: partition, body)
        }
      } else {
        hiding = view.tombstoneSequence(over: address, at: sequence)
        let isLent = try view.lendFromMemory(
          address, hash: hash, at: sequence, hiding: hiding, body)
        if isLent { return }
      }
      if !view.isFileOpen {
        if through != .max { CrashPoint.reached(.lookupBeforeFile) }
        try view.openFile()
        let isCurrent = view.isCurrent && newest(through) == sequence
        guard isCurrent || DeliberateBug.readsSequenceBeforeFile.isOn else { continue }
      }
      return try view.lendFromFile(address, hiding: hiding, body)
    }
  }

  @inline(__always)
  private func lend(
    _ version: KeyVersion, of partition: Int,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    // Keeps alive what is lent.
    let layers = views[partition].layers
    defer { withExtendedLifetime(layers) {} }
    let header = version.header
    guard header.kind == .put else { return try body(nil, RawSpan()) }
    try version.withValue { value throws(StoreError) in try body(header, value) }
  }

  /// Begins a lookup of one key: makes the view current, then reads the sequence.
  ///
  /// The order matters, because apply leaves out what a later range delete hides. If the sequence were read
  /// first, that range delete could be carried out and published before the layers are taken, which would
  /// then lack an entry that the sequence still has. Whatever the layers show as applied or removed was
  /// published before they were taken, so a sequence read after them covers it.
  ///
  /// If the layers are replaced between the two steps, no retry is needed, unlike for a cut over several
  /// partitions. The layers that were taken still hold every batch that was published when the lookup began,
  /// and lack only newer ones. The lookup is then ordered at the end of what they hold.
  ///
  /// That holds only if the view of the file is as old as the layers. A view that is opened between the two
  /// steps or after them may lack what was there before, while its replacement may be in layers that are
  /// newer still. So a lookup that has to open the file starts over, unless both the layers and the sequence
  /// are still the newest. In that case nothing has been applied that the lookup does not see, and what it
  /// sees is in the layers or in the file.
  @inline(__always)
  private func begin(
    _ view: PartitionView, in partition: Int, through: SequenceNumber
  ) -> (handle: LookupHandle, sequence: SequenceNumber) {
    let handle = currentHandle(view, to: partition)
    yieldInSimulation(through)
    return (handle, newest(through))
  }

  @inline(__always)
  private func newest(_ through: SequenceNumber) -> SequenceNumber {
    max(partitionSet.watermarks.published, through)
  }

  /// In a simulation, lets other threads run between the two steps. With `.max` the caller is the sequencer,
  /// which holds a lock.
  @inline(__always)
  private func yieldInSimulation(_ through: SequenceNumber) {
    if through != .max { CrashPoint.reached(.lookupBetweenSteps) }
  }

  /// The starting points of a lookup that must find everything. Makes the view current if it is not.
  @inline(__always)
  private func currentHandle(_ view: PartitionView, to partition: Int) -> LookupHandle {
    if let handle = view.handle, view.isCurrent { return handle }
    touch(partition)
    return view.makeHandle()
  }

  /// The sequence of the newest batch, published or not, that wrote or removed the entry at `address`, among those in the
  /// memtables that the last lookup in the partition saw; 0 if there is none.
  func newestChange(of address: EntryAddress, in partition: Int, hash: UInt64) -> SequenceNumber {
    guard let layers = views[partition].layers else { return 0 }
    var newest: SequenceNumber = 0
    for layer in [layers.active] + layers.sealed {
      let version = layer.memtable.index.find(address, hash: hash)?.version(at: .max)
      newest = max(newest, version?.header.sequence ?? 0)
    }
    return newest
  }
}
