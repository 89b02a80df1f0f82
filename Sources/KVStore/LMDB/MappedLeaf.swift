/// A place in one leaf of a mapped tree, and the entry there: a plain value, so that a step to the next
/// entry touches nothing but the leaf.
///
/// With each step it asks for a part of the leaf that comes next, so that it is in the cache once it is come
/// to.
struct MappedLeaf: BitwiseCopyable {
  enum Direction: Int {
    case forward = 1
    case backward = -1
  }
  enum Step { case entry, edge, unusual }

  private let tree: MappedTree
  private let page: MappedPage
  private var index: Int
  private(set) var entry: MappedEntry
  /// What of the next leaf has not been asked for yet begins here; zero where the next one is unknown.
  private var ahead: UInt
  /// How much of it is asked for with each step.
  private let stride: Int

  /// The entry at `index` of a leaf of `tree`; nil where it is not as LMDB writes them. `next` is where the
  /// leaf begins that will be wanted then.
  init?(_ tree: MappedTree, _ page: MappedPage, at index: Int, next: UInt?) {
    guard index >= 0, let entry = tree.entry(of: page, at: index) else { return nil }
    self.tree = tree
    self.page = page
    self.index = index
    self.entry = entry
    ahead = next ?? 0
    stride = page.byteCountPerNode
  }

  /// Goes to the neighbouring entry, or stays where it is and says why.
  @inline(__always)
  mutating func step(_ direction: Direction) -> Step {
    let neighbour = index &+ direction.rawValue
    guard neighbour >= 0, neighbour < page.count else { return .edge }
    guard let found = tree.entry(of: page, at: neighbour) else { return .unusual }
    index = neighbour
    entry = found
    if ahead != 0 {
      MappedPage.fetch(ahead, byteCount: stride)
      ahead &+= UInt(stride)
    }
    return .entry
  }
}
