/// The way of one key down a mapped tree, one look at a node at a time.
///
/// To wait for memory is what most of the way takes. Whoever has several keys takes each a look further in turn:
/// what the next look of one needs is fetched while the others have theirs.
struct TreeWalk: BitwiseCopyable {
  private let tree: MappedTree
  private let window: KeyWindow
  /// The page come to. It has been asked for, and is a branch unless none is left to be passed.
  private var number: UInt64
  private var branchCount: Int
  /// The same, once it was looked at. Its nodes before `lower` do not come behind the key, those from `upper` on do.
  private var branch: MappedPage?
  private var lower = 0
  private var upper = 0
  /// Whether there is another step to take.
  private(set) var isUnderWay = true
  /// The leaf that the key belongs to, once it has come there; none where a page is not what LMDB writes.
  private(set) var leaf: UInt64?

  /// - Parameter tree: one that is not empty.
  init(of key: RawSpan, down tree: MappedTree) {
    self.tree = tree
    window = KeyWindow(key)
    number = tree.root
    branchCount = tree.depth - 1
    arrive()
  }

  /// Takes the way of `key`, with which it began, one look further.
  @inline(__always)
  mutating func step(_ key: RawSpan) {
    guard let branch else { return enter() }
    let middle = (lower &+ upper) >> 1
    guard let order = branch.order(of: middle, against: key, window) else {
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
