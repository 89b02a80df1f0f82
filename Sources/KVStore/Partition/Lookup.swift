import Base

extension PartitionView {
  /// Lends the newest version of the entry at `address` at or below `sequence`: nil if there is none or it is a delete. What
  /// LMDB holds counts whatever its sequence: it was published before this view was made.
  ///
  /// The view must be current. O(1) expected in memory, O(log n) in the file.
  @inline(__always)
  func withVersion<R>(
    of address: EntryAddress, hash: UInt64, at sequence: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let hiding = tombstoneSequence(over: address, at: sequence)
    let found = try searchMemory(address, hash: hash, at: sequence, hiding: hiding, body)
    if let found { return found }
    return try searchFile(address, hiding: hiding, body)
  }

  /// The sequence of the newest range delete, at or below `sequence`, that covers `address`; 0 if there is none.
  @inline(__always)
  func tombstoneSequence(over address: EntryAddress, at sequence: SequenceNumber) -> SequenceNumber
  {
    layers?.tombstoneSequence(
      over: address, at: DeliberateBug.shown(sequence, of: partition.index)) ?? 0
  }

  /// The part of a lookup that memory can answer. Returns false, and lends nothing, if the file must be read.
  ///
  /// - Parameter hiding: the result of `tombstoneSequence`.
  func lendFromMemory(
    _ address: EntryAddress, hash: UInt64, at sequence: SequenceNumber, hiding: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) -> Bool {
    try searchMemory(address, hash: hash, at: sequence, hiding: hiding, body) != nil
  }

  /// The rest of a lookup: lends what the file holds.
  func lendFromFile(
    _ address: EntryAddress, hiding: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    try searchFile(address, hiding: hiding, body)
  }

  @inline(__always)
  private func searchMemory<R>(
    _ address: EntryAddress, hash: UInt64, at sequence: SequenceNumber, hiding: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R? {
    guard let layers else { preconditionFailure("a lookup in a view that is not current") }
    let shown = DeliberateBug.shown(sequence, of: partition.index)
    let inActive = try Self.search(
      layers.active, address, hash: hash, at: shown, hiding: hiding, body)
    if let inActive { return inActive }
    for layer in layers.sealed {
      let found = try Self.search(layer, address, hash: hash, at: shown, hiding: hiding, body)
      if let found { return found }
    }
    return nil
  }

  /// The version in one memtable; nil if it has none and the layers below must be searched.
  @inline(__always)
  private static func search<R>(
    _ layer: MemtableLayer, _ address: EntryAddress, hash: UInt64, at sequence: SequenceNumber,
    hiding: SequenceNumber, _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R? {
    try layer.memtable.withVersion(at: address, hash: hash, at: sequence) {
      header, value throws(StoreError) in
      guard let header else { return nil }
      // A put with the tombstone's own sequence comes after it in the same batch.
      guard header.kind == .put, header.sequence >= hiding else { return try body(nil, RawSpan()) }
      return try body(header, value)
    }
  }

  private func searchFile<R>(
    _ address: EntryAddress, hiding: SequenceNumber,
    _ body: (EntryHeader?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let transaction = try lmdb()
    if expected.isAt(address) {
      switch try findExpected(address, in: transaction) {
      case .absent: return try body(nil, RawSpan())
      case .entry(let header, let stored):
        guard header.sequence >= hiding else { return try body(nil, RawSpan()) }
        return try stored.withBytes { bytes throws(StoreError) in
          try body(header, bytes.extracting(droppingFirst: StoredValue.headerByteCount))
        }
      case .nothing, .leaf, .stored: break
      }
    }
    let environment = partition.environment
    return try transaction.withValue(of: address) { stored throws(StoreError) in
      guard let stored else { return try body(nil, RawSpan()) }
      let header = try environment.decode(stored, at: address)
      guard header.sequence >= hiding else { return try body(nil, RawSpan()) }
      return try body(
        EntryHeader(header),
        stored.extracting(droppingFirst: StoredValue.headerByteCount))
    }
  }
}
