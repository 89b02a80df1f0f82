/// The starting points of lookups in a partition, as plain addresses that need no reference counting.
///
/// It belongs to a `PartitionView`, which keeps alive what the addresses point to, and replaces the handle
/// whenever it replaces any of that.
struct LookupHandle: BitwiseCopyable {
  private var active: HashIndex
  /// Of the newest sealed memtable; there is rarely another.
  private var sealed: HashIndex?
  /// Whether this is everything above the file: no other sealed memtable, and no range delete.
  let isWhole: Bool
  /// The tree in the file. Nil until a reader needs it, and where only LMDB can walk it.
  private(set) var tree: MappedTree?
  private(set) var didLookForTree = false

  init(_ layers: Layers) {
    active = layers.active.memtable.index
    sealed = layers.sealed.first?.memtable.index
    isWhole = layers.sealed.count < 2 && layers.tombstones.isEmpty
  }

  mutating func setTree(_ tree: MappedTree?) {
    self.tree = tree
    didLookForTree = true
  }

  /// The newest version of the entry at `address` in these memtables, at or below `sequence`; nil if there is none.
  @inline(__always)
  func version(of address: EntryAddress, hash: UInt64, at sequence: SequenceNumber) -> KeyVersion? {
    active.find(address, hash: hash)?.version(at: sequence)
      ?? sealed?.find(address, hash: hash)?.version(at: sequence)
  }

  /// Prefetches the slots at which the search for a key with this hash begins.
  @inline(__always)
  func fetchSlots(of hash: UInt64) {
    active.table.fetchSlot(at: hash)
    sealed?.table.fetchSlot(at: hash)
  }

  /// Prefetches the node of a key with this hash. Returns false if these memtables have none.
  @inline(__always)
  func fetchNode(of hash: UInt64) -> Bool {
    if active.table.fetchNode(of: hash) { return true }
    return sealed?.table.fetchNode(of: hash) ?? false
  }
}
