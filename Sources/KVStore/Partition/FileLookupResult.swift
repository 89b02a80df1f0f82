import Base

/// What a partition's file holds at an address, as far as one view has found out.
///
/// It is valid only in that view: while its revision equals the view's, neither the layers above the file nor
/// the transaction that its pages belong to have changed. It says nothing about memtables, which every lookup
/// searches first.
struct FileLookupResult: BitwiseCopyable {
  enum Extent: BitwiseCopyable {
    case nothing
    /// The leaf page that the key belongs to.
    case leaf(UInt64)
    case absent
    /// The stored value, not verified yet.
    case stored(MappedValue)
    /// A verified entry.
    case entry(EntryHeader, MappedValue)
  }

  /// No view has revision 0.
  var revision: UInt64 = 0
  var extent = Extent.nothing
}

extension PartitionView {
  /// What the file holds for the expected key, found out once per view. Returns `.nothing` where only LMDB
  /// can tell.
  func findExpected(
    _ address: EntryAddress, in transaction: ReadTransaction
  ) throws(StoreError) -> FileLookupResult.Extent {
    let known = expected.finding
    let extent: FileLookupResult.Extent
    switch known.revision == revision ? known.extent : .nothing {
    case .absent, .entry: return known.extent
    case .stored(let value): extent = try verified(.value(value), address)
    case .leaf(let number):
      extent = try verified(transaction.find(address, inLeaf: number), address)
    case .nothing: extent = try verified(transaction.find(address, inLeaf: nil), address)
    }
    expected.finding = FileLookupResult(revision: revision, extent: extent)
    return extent
  }

  @inline(__always)
  private func verified(
    _ found: MappedTree.Found, _ address: EntryAddress
  ) throws(StoreError) -> FileLookupResult.Extent {
    switch found {
    case .absent: return .absent
    case .value(let stored) where stored.byteCount <= StoredValue.byteLimit:
      return try stored.withBytes { bytes throws(StoreError) in
        .entry(EntryHeader(try partition.environment.decode(bytes, at: address)), stored)
      }
    case .value, .unusual: return .nothing
    }
  }
}
