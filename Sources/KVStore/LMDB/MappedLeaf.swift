/// A position in one leaf of a mapped tree, and the entry there. It is a plain value, so that a step to the
/// next entry touches only the leaf.
///
/// Each step prefetches a part of the next leaf, so that it is in the cache when it is reached.
struct MappedLeaf: BitwiseCopyable {
  enum Direction: Int {
    case forward = 1
    case backward = -1
  }
  enum Step { case entry, edge, otherKeyspace, unusual }

  private let tree: MappedTree
  private let page: MappedPage
  private var index: Int
  private(set) var entry: MappedEntry
  /// Where the part of the next leaf begins that is not prefetched yet; zero if the next leaf is unknown.
  private var ahead: UInt
  /// How many bytes of it each step prefetches.
  private let stride: Int

  /// The entry at `index` of a leaf of `tree`; nil if it is not as LMDB writes it. `next` is the address of
  /// the leaf that is needed after this one.
  init?(_ tree: MappedTree, _ page: MappedPage, at index: Int, next: UInt?) {
    guard index >= 0, let entry = tree.entry(of: page, at: index) else { return nil }
    self.tree = tree
    self.page = page
    self.index = index
    self.entry = entry
    ahead = next ?? 0
    stride = page.byteCountPerNode
  }

  /// Moves to the neighbouring entry, or stays in place and says why.
  @inline(__always)
  mutating func step(_ direction: Direction) -> Step {
    let neighbour = index &+ direction.rawValue
    guard neighbour >= 0, neighbour < page.count else { return .edge }
    guard let found = tree.entry(of: page, at: neighbour) else { return .unusual }
    guard found.keyspace == entry.keyspace else { return .otherKeyspace }
    index = neighbour
    entry = found
    if ahead != 0 {
      MappedPage.fetch(ahead, byteCount: stride)
      ahead &+= UInt(stride)
    }
    return .entry
  }
}
