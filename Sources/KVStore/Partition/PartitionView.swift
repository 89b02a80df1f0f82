/// One reader's hold on a partition: its layers and a matching view of its LMDB file.
///
/// The layers are taken first, and the LMDB view after them. So what had already left the layers is in the
/// file, and what leaves them later is still held here. For use by one thread at a time.
final class PartitionView {
  let partition: Partition
  /// The key that the reader's request is about, if there is one.
  let expected: PreparedKey
  private(set) var generation: UInt64 = 0
  private(set) var layers: Layers?
  private var transaction: ReadTransaction?
  private var isTransactionFresh = false
  /// Why the LMDB view that matches the layers is lost, if it is. None matches them until this view is made
  /// current again.
  private var loss: StoreError?

  /// Starting points of fast lookups and of prefetching. Nil until it is requested, and again once the layers
  /// or the transaction have changed.
  private(set) var handle: LookupHandle? {
    didSet { revision &+= 1 }
  }
  /// Incremented with each new handle and each loss of one. While it stays the same, so do layers and
  /// transaction.
  private(set) var revision: UInt64 = 1

  init(_ partition: Partition, expected: PreparedKey = PreparedKey()) {
    self.partition = partition
    self.expected = expected
  }

  /// Makes the view current, and creates its handle.
  @inline(never)
  func makeHandle() -> LookupHandle {
    let handle = LookupHandle(refresh())
    self.handle = handle
    return handle
  }

  /// The same, including the tree in the file, for keys that are to be read there.
  @inline(never)
  func makeHandleIntoFile() -> LookupHandle {
    let layers = refresh()
    let tree = (try? lmdb())?.mappedTree
    var handle = LookupHandle(layers)
    handle.setTree(tree)
    self.handle = handle
    return handle
  }

  /// Makes the view current. Cheap if nothing was sealed, dropped or added since the last time.
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
    handle = nil
    isTransactionFresh = false
    loss = nil
    return layers
  }

  /// Whether nothing was sealed, dropped or added since the view was made current.
  var isCurrent: Bool { generation == partition.generation }

  /// Whether a view of the LMDB file that matches the layers is open.
  @inline(__always)
  var isFileOpen: Bool { isTransactionFresh }

  /// Opens a view of the LMDB file that matches the layers, unless one is open.
  func openFile() throws(StoreError) { _ = try lmdb() }

  /// The view of the LMDB file that matches the layers. Opens it if necessary.
  func lmdb() throws(StoreError) -> ReadTransaction {
    if let transaction, isTransactionFresh, !transaction.hasFailed { return transaction }
    return try makeFresh()
  }

  private func makeFresh() throws(StoreError) -> ReadTransaction {
    handle = nil
    if let loss { throw loss }
    if let transaction, isTransactionFresh { return try renewFailed(transaction) }
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

  /// LMDB's rule: after some errors a transaction returns nothing more, not even from sound pages. Renewed,
  /// it shows the same data if nothing was written meanwhile, and nothing is ever written to a damaged file.
  /// Otherwise, the data that this view showed is out of reach.
  private func renewFailed(_ transaction: ReadTransaction) throws(StoreError) -> ReadTransaction {
    let before = transaction.transactionID
    try transaction.renew()
    if transaction.transactionID == before { return transaction }
    let loss = partition.environment.failedView
    self.loss = loss
    isTransactionFresh = false
    // No partition ever has this generation: the next refresh rebuilds the whole view.
    generation = 0
    throw loss
  }

  /// Releases everything but the LMDB reader's slot.
  func end() {
    layers = nil
    handle = nil
    // Even if it is not fresh: a transaction older than the layers also keeps LMDB from reusing pages.
    transaction?.reset()
    isTransactionFresh = false
    loss = nil
  }

  /// Returns the LMDB reader to the pool.
  func close() {
    end()
    if let transaction { partition.giveBack(transaction) }
    transaction = nil
  }

  deinit {
    close()
  }
}
