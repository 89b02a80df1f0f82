/// A look-up that will be made soon, taken towards its end in steps, each of which asks for memory that
/// the next one needs and waits for none: whoever knows several keys ahead takes them forward in turn, and
/// finds everything in the processor's cache when the look-ups themselves are made.
///
/// Nothing is wrong if steps are left out, or if what they found has changed. What they found is handed on with
/// `expect`, and whoever uses it sees whether it still counts.
package struct UpcomingLookup {
  private enum Step {
    case none
    case slot
    case node
    case leaf(UInt64)
  }

  private var place = KeyPlace(partition: 0, hash: 0)
  private var readsFile = false
  private var step = Step.none
  /// Of the view that the leaf is in.
  private var revision: UInt64 = 0

  package init() {}

  /// Takes up `key`: asks for where memtables begin to look for it.
  ///
  /// - Parameter readsFile: whether the key will be read, and not only written.
  @inline(__always)
  package mutating func begin(_ key: RawSpan, readsFile: Bool, in reader: Reader) {
    // Keys of the engine's own begin with zero, and some are taken note of.
    if key.beginsWithZero { return }
    self.readsFile = readsFile
    place = reader.computePlace(of: key)
    step = .slot
    reader.shortcut(to: place.partition).fetchSlots(of: place.hash)
  }

  /// Asks for the node in a memtable, or else for the leaf in the file.
  @inline(__always)
  package mutating func find(_ key: RawSpan, in reader: Reader) {
    guard case .slot = step else { return }
    step = .node
    if reader.shortcut(to: place.partition).fetchNode(of: place.hash) || !readsFile { return }
    if let leaf = reader.shortcutIntoFile(of: place.partition).tree?.fetchLeaf(for: key) {
      step = .leaf(leaf)
      revision = reader.revision(of: place.partition)
    }
  }

  /// Asks for the leaf's nodes.
  @inline(__always)
  package mutating func finish(in reader: Reader) {
    guard case .leaf(let number) = step else { return }
    reader.shortcut(to: place.partition).tree?.fetchNodes(of: number)
  }

  /// Hands on what is known of `key`, whose look-up this is: until `expectNothing` is called its bytes stay where
  /// they are.
  @inline(__always)
  package func expect(_ key: RawSpan, in reader: Reader) {
    switch step {
    case .none: reader.expectNothing()
    case .slot, .node: reader.expected.set(key, at: place, FileFinding())
    case .leaf(let number):
      let finding = FileFinding(revision: revision, extent: .leaf(number))
      reader.expected.set(key, at: place, finding)
    }
  }
}
