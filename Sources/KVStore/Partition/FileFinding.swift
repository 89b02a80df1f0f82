import Base

/// What a partition's file holds of a key, as far as it has been found out in one view.
///
/// It counts in that view alone: as long as its revision is the view's, the layers above the file and the
/// transaction that its pages are of are the same ones. And it counts for what memtables say nothing of, which are
/// asked first at every look-up.
struct FileFinding: BitwiseCopyable {
  enum Extent: BitwiseCopyable {
    case nothing
    /// The leaf that the key belongs to.
    case leaf(UInt64)
    case absent
    /// What is stored, not verified yet.
    case stored(MappedValue)
    /// An entry, verified.
    case entry(EntryHeader, MappedValue)
  }

  /// No view has zero.
  var revision: UInt64 = 0
  var extent = Extent.nothing
}

extension PartitionView {
  /// What the file holds of the key that is expected: found out once in a view. `.nothing` where only LMDB can tell.
  func findExpected(
    _ key: RawSpan, in transaction: ReadTransaction
  ) throws(StoreError) -> FileFinding.Extent {
    let known = expected.finding
    let extent: FileFinding.Extent
    switch known.revision == revision ? known.extent : .nothing {
    case .absent, .entry: return known.extent
    case .stored(let value): extent = try verified(.value(value), key)
    case .leaf(let number): extent = try verified(transaction.find(key, inLeaf: number), key)
    case .nothing: extent = try verified(transaction.find(key, inLeaf: nil), key)
    }
    expected.finding = FileFinding(revision: revision, extent: extent)
    return extent
  }

  @inline(__always)
  private func verified(
    _ found: MappedTree.Found, _ key: RawSpan
  ) throws(StoreError) -> FileFinding.Extent {
    switch found {
    case .absent: return .absent
    case .value(let stored) where stored.byteCount <= StoredValue.byteLimit:
      return try stored.withBytes { bytes throws(StoreError) in
        .entry(EntryHeader(try partition.environment.decode(bytes, key: key)), stored)
      }
    case .value, .unusual: return .nothing
    }
  }
}
