/// Finds a key's node: an open-addressing hash table with one writer and any number of readers.
///
/// The low bits of the hash choose the first slot to probe; probing is linear. Each slot also keeps 16 bits
/// of the hash, so that a probe touches the node of only one in 65,536 other keys. A slot is filled once and
/// never changes, so a probe that reaches an empty slot has seen every node published before the probe began.
///
/// Growing fills a table of twice the size in private, then publishes its address with release order. A
/// reader that loaded the old table's address finds everything inserted before the switch; what is inserted
/// later has a sequence above any that it may read. Old tables stay in the arena for such readers. Together
/// they are no larger than the newest.
///
/// An index is an address in the arena, and valid as long as the arena.
struct HashIndex: BitwiseCopyable {
  private static let initialSlotCount = 256

  /// The address of the newest table.
  private let newest: AtomicWord

  /// - Parameter newest: a word of the arena reserved for this index.
  init(newest: AtomicWord, in arena: inout Arena) {
    self.newest = newest
    newest.prepare(IndexTable(slotCount: Self.initialSlotCount, in: &arena).word)
  }

  /// The newest table. It stays valid as long as the arena, even after a larger one has replaced it.
  var table: IndexTable {
    @inline(__always) get { IndexTable(at: newest.load()) }
  }

  /// Finds the node at `address`. O(1) expected; callable from any thread.
  @inline(__always)
  func find(_ address: EntryAddress, hash: UInt64) -> KeyNode? {
    let table = table
    var place = hash
    while let slot = table.slot(at: place) {
      if slot.mayHold(hash), slot.node.isAt(address) { return slot.node }
      place &+= 1
    }
    return nil
  }

  /// Publishes a node whose address is not in the table, and which `nodes` does not hold yet. For the writer
  /// only.
  ///
  /// At most half of the slots are filled: probes stay short, and each one reaches an empty slot.
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
