import Base

/// The path through the branches of a mapped tree, from leaf to leaf in key order.
///
/// Like the tree, it handles only the usual case: if a page is not as LMDB writes it, a move ends in `.unusual`.
struct MappedWalk {
  typealias Direction = MappedLeaf.Direction
  enum Outcome {
    case entry(MappedLeaf)
    case end, unusual
  }

  private struct Branch {
    let page: MappedPage
    /// The index of the child that was taken.
    var index: Int

    func neighbour(_ direction: Direction) -> Int? {
      let neighbour = index + direction.rawValue
      return neighbour >= 0 && neighbour < page.count ? neighbour : nil
    }
  }

  private let tree: MappedTree
  /// From the root to the leaf.
  private var branches: [Branch] = []

  init(_ tree: MappedTree) { self.tree = tree }

  /// Moves to the first entry whose key is not below `bound`, or, backward, to the last one whose key is
  /// below it. O(log n).
  mutating func seek(_ bound: EntryAddress, _ direction: Direction) -> Outcome {
    if tree.depth == 0 { return .end }
    let window = KeyWindow(bound.key)
    branches.removeAll(keepingCapacity: true)
    var number = tree.root
    for _ in 1..<tree.depth {
      guard let page = tree.page(number, .branch),
        let index = page.childIndex(for: bound, window), let child = page.child(at: index)
      else { return .unusual }
      branches.append(Branch(page: page, index: index))
      number = child
    }
    guard let page = tree.page(number, .leaf),
      let (first, _) = page.search(bound, window, from: 0)
    else { return .unusual }
    let index = direction == .forward ? first : first - 1
    if index < 0 || index >= page.count { return turn(direction) }
    return place(page, index, direction)
  }

  /// Moves to the neighbouring leaf, and to the entry there that comes next.
  mutating func turn(_ direction: Direction) -> Outcome {
    while let branch = branches.popLast() {
      guard let index = branch.neighbour(direction) else { continue }
      guard let child = branch.page.child(at: index) else { return .unusual }
      branches.append(Branch(page: branch.page, index: index))
      return enter(child, direction)
    }
    return .end
  }

  /// Moves to the first entry below page `number`, or, backward, to the last one.
  private mutating func enter(_ number: UInt64, _ direction: Direction) -> Outcome {
    var number = number
    while branches.count < tree.depth - 1 {
      guard let page = tree.page(number, .branch) else { return .unusual }
      let index = direction == .forward ? 0 : page.count - 1
      guard let child = page.child(at: index) else { return .unusual }
      branches.append(Branch(page: page, index: index))
      number = child
    }
    guard let page = tree.page(number, .leaf) else { return .unusual }
    return place(page, direction == .forward ? 0 : page.count - 1, direction)
  }

  /// The next leaf is determined only if the branch directly above knows it.
  private func place(_ page: MappedPage, _ index: Int, _ direction: Direction) -> Outcome {
    let next = branches.last.flatMap { branch in
      branch.neighbour(direction).flatMap { branch.page.child(at: $0) }
    }
    let leaf = MappedLeaf(tree, page, at: index, next: next.flatMap { tree.address(of: $0) })
    return leaf.map { .entry($0) } ?? .unusual
  }
}
