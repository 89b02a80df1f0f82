/// What look-ups in a partition begin with, as plain addresses that cost no counted reference: for those
/// who only want memory fetched.
///
/// It belongs to a `PartitionView`, which keeps alive what the addresses lead to, and replaces it with
/// whatever else it replaces.
struct Shortcut: BitwiseCopyable {
  private var active: IndexTable
  /// The newest sealed memtable's; there is seldom another.
  private var sealed: IndexTable?
  /// The tree in the file; nil until somebody wants it, and where only LMDB can walk it.
  private(set) var tree: MappedTree?
  private(set) var hasLookedForTree = false

  init(_ layers: Layers) {
    active = layers.active.memtable.indexTable
    sealed = layers.sealed.first?.memtable.indexTable
  }

  mutating func setTree(_ tree: MappedTree?) {
    self.tree = tree
    hasLookedForTree = true
  }

  /// Asks for where the search for a key with this hash begins in memory.
  @inline(__always)
  func fetchSlots(of hash: UInt64) {
    active.fetchSlot(at: hash)
    sealed?.fetchSlot(at: hash)
  }

  /// Asks for the node of a key with this hash. False if there is none in memory.
  @inline(__always)
  func fetchNode(of hash: UInt64) -> Bool {
    if active.fetchNode(of: hash) { return true }
    return sealed?.fetchNode(of: hash) ?? false
  }
}
