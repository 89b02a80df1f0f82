import TxnWAL

/// One reader's hold on a partition: its layers and a view of its LMDB file that belong together.
///
/// The layers are taken first and the LMDB view after them: what left the layers before is in the file
/// then, and what leaves them later is still held here. Used by one thread at a time.
final class PartitionView {
  let partition: Partition
  private(set) var generation: UInt64 = 0
  private(set) var layers: Layers?
  private var transaction: ReadTransaction?
  private var isTransactionFresh = false

  init(_ partition: Partition) {
    self.partition = partition
  }

  /// Makes the view current. Cheap where nothing was sealed, dropped or added since the last time.
  @inline(__always)
  func refresh() -> Layers {
    if let layers, generation == partition.generation { return layers }
    return takeLayers()
  }

  private func takeLayers() -> Layers {
    // The number is read before the layers, so that it is never newer than they are.
    generation = partition.generation
    let layers = partition.layers
    self.layers = layers
    isTransactionFresh = false
    return layers
  }

  /// Whether nothing was sealed, dropped or added since the view was made current.
  var isCurrent: Bool { generation == partition.generation }

  /// The view of the LMDB file that goes with the layers.
  func lmdb() throws(StoreError) -> ReadTransaction {
    if let transaction, isTransactionFresh { return transaction }
    let renewed: ReadTransaction
    if let transaction {
      try transaction.renew()
      renewed = transaction
    } else {
      renewed = try partition.takeReadTransaction()
      transaction = renewed
    }
    isTransactionFresh = true
    return renewed
  }

  /// Lets go of everything but the LMDB reader's slot.
  func end() {
    layers = nil
    // Also where it is not fresh: one that newer layers have left behind keeps LMDB from reusing pages
    // all the same.
    transaction?.reset()
    isTransactionFresh = false
  }

  /// Gives the LMDB reader back for others.
  func close() {
    end()
    if let transaction { partition.giveBack(transaction) }
    transaction = nil
  }

  deinit {
    close()
  }
}
