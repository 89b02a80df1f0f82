/// One reader's hold on a partition: its layers and a view of its LMDB file that belong together.
///
/// The layers are taken first and the LMDB view after them: what left the layers before is in the file
/// then, and what leaves them later is still held here. Used by one thread at a time.
final class PartitionView {
  let partition: Partition
  /// A key that is asked for now, as a rule: its reader's.
  let expected: ExpectedKey
  private(set) var generation: UInt64 = 0
  private(set) var layers: Layers?
  private var transaction: ReadTransaction?
  private var isTransactionFresh = false
  /// Why the view that goes with the layers is gone, if it is: until it is made current again there is
  /// none that would go with them.
  private var loss: StoreError?

  /// For the short way to keys, and hints at where they are; nil until somebody asks, and once layers or
  /// transaction have changed.
  private(set) var handle: LookupHandle? {
    didSet { revision &+= 1 }
  }
  /// One more with each handle and each loss of one, so that as long as it stays layers and transaction do.
  private(set) var revision: UInt64 = 1

  init(_ partition: Partition, expected: ExpectedKey = ExpectedKey()) {
    self.partition = partition
    self.expected = expected
  }

  /// Makes the view current, and the handle that goes with it.
  @inline(never)
  func makeHandle() -> LookupHandle {
    let handle = LookupHandle(refresh())
    self.handle = handle
    return handle
  }

  /// The same with the tree in the file, for keys that are to be read there.
  @inline(never)
  func makeHandleIntoFile() -> LookupHandle {
    let layers = refresh()
    let tree = (try? lmdb())?.mappedTree
    var handle = LookupHandle(layers)
    handle.setTree(tree)
    self.handle = handle
    return handle
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
    handle = nil
    isTransactionFresh = false
    loss = nil
    return layers
  }

  /// Whether nothing was sealed, dropped or added since the view was made current.
  var isCurrent: Bool { generation == partition.generation }

  /// Whether there is a view of the LMDB file that goes with the layers.
  @inline(__always)
  var isFileOpen: Bool { isTransactionFresh }

  /// Makes a view of the LMDB file that goes with the layers, if there is none.
  func openFile() throws(StoreError) { _ = try lmdb() }

  /// The view of the LMDB file that goes with the layers.
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

  /// LMDB's rule: after some errors a view answers nothing more, not even for sound pages. Renewed, it is
  /// the same one if nobody has written meanwhile, as nobody does to a damaged file. If somebody has,
  /// what this view is of cannot be had again.
  private func renewFailed(_ transaction: ReadTransaction) throws(StoreError) -> ReadTransaction {
    let before = transaction.transactionID
    try transaction.renew()
    if transaction.transactionID == before { return transaction }
    let loss = partition.environment.failedView
    self.loss = loss
    isTransactionFresh = false
    // Never a partition's generation: whoever can, makes the whole view again.
    generation = 0
    throw loss
  }

  /// Lets go of everything but the LMDB reader's slot.
  func end() {
    layers = nil
    handle = nil
    // Also where it is not fresh: one that newer layers have left behind keeps LMDB from reusing pages
    // all the same.
    transaction?.reset()
    isTransactionFresh = false
    loss = nil
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
