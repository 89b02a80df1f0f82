/// Look-ups that will be made soon, taken towards their ends together. Each step of one asks for memory that its
/// next one needs, and waits for none, while the others have theirs: the look-ups themselves then find everything
/// in the processor's cache.
///
/// Nothing is wrong if steps are left out, or if what they found has changed. What they found is handed on with
/// `expect`, and whoever uses it sees whether it still counts.
///
/// One belongs to an event loop, for its memory.
package final class LookupPrefetcher {
  private struct Lookup {
    /// Where the key stands in the input; nil where nothing is looked up.
    var key: Range<Int>?
    var place = KeyPlace(partition: 0, hash: 0)
    /// Whether the key will be read, and not only written.
    var readsFile = false
    var finding = FileFinding()
  }

  /// A look-up that goes down the tree in a partition's file.
  private struct Descent {
    let lookup: Int
    let key: Range<Int>
    let tree: MappedTree
    /// Of the view that the tree is of.
    let revision: UInt64
    var walk: TreeWalk

    /// Takes a step. False once there is none left to take.
    @inline(__always)
    mutating func advance(in input: RawSpan) -> Bool {
      guard walk.isUnderWay else { return false }
      walk.step(input.extracting(key))
      return walk.isUnderWay
    }
  }

  /// How many there may be: all that they ask for has room in the processor's cache.
  package static let limit = 16

  private var lookups: [Lookup] = []
  private var descents: [Descent] = []

  package init() {}

  package func removeAll() { lookups.removeAll(keepingCapacity: true) }

  /// Adds one that looks for nothing.
  package func append() { lookups.append(Lookup()) }

  /// Adds the look-up of a key in `input`: asks for where memtables begin to look for it.
  ///
  /// - Parameter readsFile: whether the key will be read, and not only written.
  @inline(__always)
  package func append(
    _ key: Range<Int>, of input: RawSpan, readsFile: Bool, in reader: Reader
  ) {
    let bytes = input.extracting(key)
    // Keys of the engine's own begin with zero, and some are taken note of.
    if bytes.beginsWithZero { return append() }
    let place = reader.computePlace(of: bytes)
    reader.handle(to: place.partition).fetchSlots(of: place.hash)
    lookups.append(Lookup(key: key, place: place, readsFile: readsFile))
  }

  /// Takes all of them on, each with its key in `input`: asks for the nodes in memtables, or else for the leaf in the
  /// file.
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
          walk: TreeWalk(of: input.extracting(key), down: tree)))
    }
    if descents.isEmpty { return }
    Self.descend(&descents, in: input)
    for descent in descents {
      guard let leaf = descent.walk.leaf else { continue }
      lookups[descent.lookup].finding = FileFinding(
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

  // MARK: Look by look

  /// Hands on what is known of the key whose look-up is the one at `index`: until `expectNothing` is called its bytes
  /// stay where they are. Takes those that follow a little further.
  ///
  /// - Parameters:
  ///   - input: what is left of that for which `run` was called.
  ///   - consumed: how much is not.
  @inline(__always)
  package func expect(
    at index: Int, in input: RawSpan, behind consumed: Int, _ reader: Reader
  ) {
    search(at: index &+ Self.valuesAhead, in: input, behind: consumed, reader)
    fetchNodes(ofLeafAt: index &+ Self.nodesAhead, reader)
    let lookup = lookups[index]
    guard let key = lookup.key else { return reader.expectNothing() }
    reader.expected.set(
      input.extracting(key, behind: consumed), at: lookup.place, lookup.finding)
  }

  /// How many look-ups ahead the nodes of a leaf are asked for: those of all leaves at once are too many.
  private static let nodesAhead = 4

  /// How many ahead the entry is looked for there, so that its value can be asked for.
  private static let valuesAhead = 2

  @inline(__always)
  private func fetchNodes(ofLeafAt index: Int, _ reader: Reader) {
    guard index < lookups.count, case .leaf(let leaf) = lookups[index].finding.extent else {
      return
    }
    reader.handle(to: lookups[index].place.partition).tree?.fetchNodes(of: leaf)
  }

  /// Finds the entry in the leaf, and asks for its value.
  @inline(__always)
  private func search(at index: Int, in input: RawSpan, behind consumed: Int, _ reader: Reader) {
    guard index < lookups.count, let key = lookups[index].key,
      case .leaf(let leaf) = lookups[index].finding.extent
    else { return }
    let partition = lookups[index].place.partition
    guard let tree = reader.handle(to: partition).tree,
      reader.revision(of: partition) == lookups[index].finding.revision
    else { return }
    switch tree.find(input.extracting(key, behind: consumed), inLeaf: leaf) {
    case .value(let value):
      value.fetch()
      lookups[index].finding.extent = .stored(value)
    case .absent: lookups[index].finding.extent = .absent
    case .unusual: lookups[index].finding.extent = .nothing
    }
  }
}

extension RawSpan {
  /// The bytes in `range`, which counts from `consumed` bytes before these.
  @inline(__always)
  @_lifetime(copy self)
  fileprivate func extracting(_ range: Range<Int>, behind consumed: Int) -> RawSpan {
    extracting(range.lowerBound &- consumed..<range.upperBound &- consumed)
  }
}
