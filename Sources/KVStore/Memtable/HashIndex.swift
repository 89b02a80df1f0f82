/// Finds a key's node: an open-addressing table with one writer and any number of readers.
///
/// The low bits of the hash choose where to look first, the slots behind that one are next; 16 bits kept
/// in the slot let a probe pass over 65,535 of 65,536 strangers without touching their nodes. Slots are
/// filled once and never change, so a probe that meets an empty slot has seen every node published
/// before it began.
///
/// Growing fills a table twice the size in private and publishes its address with release order. A
/// reader that loaded the older table's address finds in it all that was there when the address changed;
/// what came later is above any sequence it may read. Older tables stay in the arena for such readers,
/// and all of them together are no larger than the newest.
///
/// An index is an address in the arena, and valid as long as that.
struct HashIndex: BitwiseCopyable {
  private static let initialSlotCount = 256

  /// The address of the newest table.
  private let newest: AtomicWord

  /// - Parameter newest: a word of the arena that is for this index.
  init(newest: AtomicWord, in arena: inout Arena) {
    self.newest = newest
    newest.prepare(IndexTable(slotCount: Self.initialSlotCount, in: &arena).word)
  }

  /// The newest table. Its memory is there as long as the arena, also when a larger one has followed.
  var table: IndexTable {
    @inline(__always) get { IndexTable(at: newest.load()) }
  }

  /// The node of `key`, from any thread. O(1) expected.
  @inline(__always)
  func find(_ key: RawSpan, hash: UInt64) -> KeyNode? {
    let table = table
    var place = hash
    while let slot = table.slot(at: place) {
      if slot.mayHold(hash), slot.node.hasKey(key) { return slot.node }
      place &+= 1
    }
    return nil
  }

  /// Publishes a node whose key is not in the table and which `nodes` does not hold yet; the writer alone
  /// calls it.
  ///
  /// At most half of the slots are filled, which keeps probes short and makes certain that each ends.
  @inline(__always)
  func insert(_ node: KeyNode, hash: UInt64, after nodes: borrowing NodeList, in arena: inout Arena)
  {
    if nodes.count &* 2 >= table.slotCount { grow(nodes, in: &arena) }
    table.fillEmptySlot(with: node, hash: hash)
  }

  @inline(never)
  private func grow(_ nodes: borrowing NodeList, in arena: inout Arena) {
    let larger = IndexTable(slotCount: table.slotCount * 2, in: &arena)
    _ = nodes.forEach(from: nodes.start, count: nodes.count) { node in
      larger.fillEmptySlot(with: node, hash: node.hash)
    }
    newest.publish(larger.word)
  }
}
