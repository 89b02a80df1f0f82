/// Advances upcoming lookups together. Each step of a lookup prefetches the memory that its next step needs;
/// meanwhile the other lookups take their steps. The lookups themselves then find everything in the
/// processor's cache.
///
/// The results are hints: steps may be left out, and what they found may change. `expect` passes them on to
/// the reader, which checks whether they are still valid.
///
/// Each event loop has one, to reuse its memory.
package final class LookupPrefetcher {
  private struct Lookup {
    /// The position of the key in the input; nil if nothing is looked up.
    var key: Range<Int>?
    var place = KeyPlace(partition: 0, hash: 0)
    /// Whether the key will be read, and not only written.
    var readsFile = false
    var finding = FileLookupResult()
  }

  /// A lookup that descends the tree in a partition's file.
  private struct Descent {
    let lookup: Int
    let key: Range<Int>
    let tree: MappedTree
    /// The revision of the view that the tree belongs to.
    let revision: UInt64
    var walk: TreeWalk

    /// Takes a step. Returns false once there are no more.
    @inline(__always)
    mutating func advance(in input: RawSpan) -> Bool {
      guard walk.isUnderWay else { return false }
      walk.step(EntryAddress(.keys, input.extracting(key)))
      return walk.isUnderWay
    }
  }

  /// The most lookups at a time: everything that they prefetch fits in the processor's cache.
  package static let limit = 16

  private var lookups: [Lookup] = []
  /// The indices of the lookups, as `groupByPartition` has sorted them.
  private var order: [Int] = []
  private var descents: [Descent] = []

  package init() {}

  package func removeAll() { lookups.removeAll(keepingCapacity: true) }

  /// Adds a lookup of nothing.
  package func append() { lookups.append(Lookup()) }

  /// Adds the lookup of a key in `input`, and prefetches where memtables begin to search for it.
  ///
  /// - Parameter readsFile: whether the key will be read, and not only written.
  @inline(__always)
  package func append(
    _ key: Range<Int>, of input: RawSpan, readsFile: Bool, in reader: Reader
  ) {
    let place = reader.computePlace(of: EntryAddress(.keys, input.extracting(key)))
    reader.handle(to: place.partition).fetchSlots(of: place.hash)
    lookups.append(Lookup(key: key, place: place, readsFile: readsFile))
  }

  /// Advances all lookups, each with its key in `input`: prefetches their nodes in memtables, or else their
  /// leaves in the file.
  package func run(in input: RawSpan, _ reader: Reader) {
    descents.removeAll(keepingCapacity: true)
    for index in lookups.indices {
      let lookup = lookups[index]
      guard let key = lookup.key else { continue }
      let partition = lookup.place.partition
      let isInMemory = reader.handle(to: partition).fetchNode(of: lookup.place.hash)
      guard lookup.readsFile, !isInMemory,
        let tree = reader.handleIntoFile(of: partition).tree, tree.depth > 0
      else { continue }
      descents.append(
        Descent(
          lookup: index, key: key, tree: tree, revision: reader.revision(of: partition),
          walk: TreeWalk(of: EntryAddress(.keys, input.extracting(key)), down: tree)))
    }
    if descents.isEmpty { return }
    Self.descend(&descents, in: input)
    for descent in descents {
      guard let leaf = descent.walk.leaf else { continue }
      lookups[descent.lookup].finding = FileLookupResult(
        revision: descent.revision, extent: .leaf(leaf))
    }
    for index in 0..<Self.nodesAhead { fetchNodes(ofLeafAt: index, reader) }
    for index in 0..<Self.valuesAhead { search(at: index, in: input, behind: 0, reader) }
  }

  private static func descend(_ descents: inout [Descent], in input: RawSpan) {
    var descents = descents.mutableSpan
    var areUnderWay = true
    while areUnderWay {
      areUnderWay = false
      for index in 0..<descents.count {
        if descents[index].advance(in: input) { areUnderWay = true }
      }
    }
  }

  // MARK: By partition

  /// Sorts the lookups by their partitions, and leaves those of one partition in the order in which they were added.
  /// A batch that is written in this order has one section for each partition. O(n²) for n of at most `limit`.
  package func groupByPartition() {
    order.removeAll(keepingCapacity: true)
    for index in lookups.indices {
      let partition = lookups[index].place.partition
      var slot = index
      order.append(index)
      while slot > 0, lookups[order[slot &- 1]].place.partition > partition {
        order[slot] = order[slot &- 1]
        slot &-= 1
      }
      order[slot] = index
    }
  }

  /// The index of the lookup number `number` in that order.
  package func grouped(at number: Int) -> Int { order[number] }

  /// The place of the key of the lookup at `index`.
  package func place(at index: Int) -> KeyPlace { lookups[index].place }

  // MARK: One lookup at a time

  /// Passes what is known about the key of the lookup at `index` to `reader`, and advances the next lookups a
  /// little. The bytes of the key must stay where they are until `clearPreparedKey` is called.
  ///
  /// - Parameters:
  ///   - input: the rest of the input that `run` was called with.
  ///   - consumed: how many bytes of that input come before it.
  @inline(__always)
  package func expect(
    at index: Int, in input: RawSpan, behind consumed: Int, _ reader: Reader
  ) {
    search(at: index &+ Self.valuesAhead, in: input, behind: consumed, reader)
    fetchNodes(ofLeafAt: index &+ Self.nodesAhead, reader)
    let lookup = lookups[index]
    guard let key = lookup.key else { return reader.clearPreparedKey() }
    reader.expected.set(
      input.extracting(key, behind: consumed), at: lookup.place, lookup.finding)
  }

  /// How many lookups ahead the nodes of a leaf are prefetched. Those of all leaves at once would be too
  /// many.
  private static let nodesAhead = 4

  /// How many lookups ahead an entry is searched for in its leaf, so that its value can be prefetched.
  private static let valuesAhead = 2

  @inline(__always)
  private func fetchNodes(ofLeafAt index: Int, _ reader: Reader) {
    guard index < lookups.count, case .leaf(let leaf) = lookups[index].finding.extent else {
      return
    }
    reader.handle(to: lookups[index].place.partition).tree?.fetchNodes(of: leaf)
  }

  /// Finds the entry in the leaf, and prefetches its value.
  @inline(__always)
  private func search(at index: Int, in input: RawSpan, behind consumed: Int, _ reader: Reader) {
    guard index < lookups.count, let key = lookups[index].key,
      case .leaf(let leaf) = lookups[index].finding.extent
    else { return }
    let partition = lookups[index].place.partition
    guard let tree = reader.handle(to: partition).tree,
      reader.revision(of: partition) == lookups[index].finding.revision
    else { return }
    switch tree.find(
      EntryAddress(.keys, input.extracting(key, behind: consumed)), inLeaf: leaf)
    {
    case .value(let value):
      value.fetch()
      lookups[index].finding.extent = .stored(value)
    case .absent: lookups[index].finding.extent = .absent
    case .unusual: lookups[index].finding.extent = .nothing
    }
  }
}

extension RawSpan {
  /// The bytes in `range`, whose offsets count from `consumed` bytes before this span.
  @inline(__always)
  @_lifetime(copy self)
  fileprivate func extracting(_ range: Range<Int>, behind consumed: Int) -> RawSpan {
    extracting(range.lowerBound &- consumed..<range.upperBound &- consumed)
  }
}
