/// The path of one address down a mapped tree, one node at a time.
///
/// Most of the time is spent waiting for memory. A caller with several keys interleaves their steps: what the
/// next step of one key needs is fetched while the others make theirs.
struct TreeWalk: BitwiseCopyable {
  private let tree: MappedTree
  private let window: KeyWindow
  /// The current page. It was prefetched, and is a branch if any branches are left to pass.
  private var number: UInt64
  private var branchCount: Int
  /// The current page once it was read. Nodes before `lower` do not come after the key, those from `upper` on do.
  private var branch: MappedPage?
  private var lower = 0
  private var upper = 0
  /// Whether more steps are needed.
  private(set) var isUnderWay = true
  /// The leaf to which the key belongs, once it is reached; nil if a page is not as LMDB writes it.
  private(set) var leaf: UInt64?

  /// - Parameter tree: must not be empty.
  init(of address: EntryAddress, down tree: MappedTree) {
    self.tree = tree
    window = KeyWindow(address.key)
    number = tree.root
    branchCount = tree.depth - 1
    arrive()
  }

  /// Advances the path of `address`, with which it was created, by one step.
  @inline(__always)
  mutating func step(_ address: EntryAddress) {
    guard let branch else { return enter() }
    let middle = (lower &+ upper) >> 1
    guard let order = branch.order(of: middle, against: address, window) else {
      isUnderWay = false
      return
    }
    if order > 0 { upper = middle } else { lower = middle &+ 1 }
    if lower < upper {
      branch.fetchNode((lower &+ upper) >> 1)
    } else {
      descend(from: branch)
    }
  }

  @inline(__always)
  private mutating func enter() {
    guard let page = tree.page(number, .branch), page.count > 1 else {
      isUnderWay = false
      return
    }
    branch = page
    // The first node has no key.
    lower = 1
    upper = page.count
    page.fetchNode((lower &+ upper) >> 1)
  }

  @inline(__always)
  private mutating func descend(from page: MappedPage) {
    guard let child = page.child(at: lower &- 1) else {
      isUnderWay = false
      return
    }
    number = child
    branchCount &-= 1
    branch = nil
    arrive()
  }

  @inline(__always)
  private mutating func arrive() {
    guard tree.fetchPage(number) else {
      isUnderWay = false
      return
    }
    if branchCount == 0 {
      leaf = number
      isUnderWay = false
    }
  }
}
