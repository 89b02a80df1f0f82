/// What look-ups in a partition begin with, as plain addresses that cost no counted reference.
///
/// It belongs to a `PartitionView`, which keeps alive what the addresses lead to, and replaces it with
/// whatever else it replaces.
struct LookupHandle: BitwiseCopyable {
  private var active: HashIndex
  /// The newest sealed memtable's; there is seldom another.
  private var sealed: HashIndex?
  /// Whether that is all there is above the file: no other sealed memtable, and no range delete.
  let isWhole: Bool
  /// The tree in the file; nil until somebody wants it, and where only LMDB can walk it.
  private(set) var tree: MappedTree?
  private(set) var hasLookedForTree = false

  init(_ layers: Layers) {
    active = layers.active.memtable.index
    sealed = layers.sealed.first?.memtable.index
    isWhole = layers.sealed.count < 2 && layers.tombstones.isEmpty
  }

  mutating func setTree(_ tree: MappedTree?) {
    self.tree = tree
    hasLookedForTree = true
  }

  /// The newest version of `key` in memory at or below `sequence`; nil where there is none.
  @inline(__always)
  func version(of key: RawSpan, hash: UInt64, at sequence: SequenceNumber) -> KeyVersion? {
    active.find(key, hash: hash)?.version(at: sequence)
      ?? sealed?.find(key, hash: hash)?.version(at: sequence)
  }

  /// Asks for where the search for a key with this hash begins in memory.
  @inline(__always)
  func fetchSlots(of hash: UInt64) {
    active.table.fetchSlot(at: hash)
    sealed?.table.fetchSlot(at: hash)
  }

  /// Asks for the node of a key with this hash. False if there is none in memory.
  @inline(__always)
  func fetchNode(of hash: UInt64) -> Bool {
    if active.table.fetchNode(of: hash) { return true }
    return sealed?.table.fetchNode(of: hash) ?? false
  }
}
