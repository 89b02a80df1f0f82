/// A look-up that will be made soon, taken towards its end in steps, each of which asks for memory that
/// the next one needs and waits for none: whoever knows several keys ahead takes them forward in turn, and
/// finds everything in the processor's cache when the look-ups themselves are made.
///
/// It is a hint and no more: nothing is wrong if steps are left out, or if what they found has changed.
package struct UpcomingLookup {
  private enum Step {
    case ended
    case slot
    case leaf(UInt64)
  }

  private var partition = 0
  private var hash: UInt64 = 0
  private var readsFile = false
  private var step = Step.ended

  package init() {}

  /// Takes up `key`: asks for where memtables begin to look for it.
  ///
  /// - Parameter readsFile: whether the key will be read, and not only written.
  @inline(__always)
  package mutating func begin(_ key: RawSpan, readsFile: Bool, in reader: Reader) {
    self.readsFile = readsFile
    let place = reader.place(of: key)
    (partition, hash) = place
    step = .slot
    reader.shortcut(to: partition).fetchSlots(of: hash)
  }

  /// Asks for the node in a memtable, or else for the leaf in the file.
  @inline(__always)
  package mutating func find(_ key: RawSpan, in reader: Reader) {
    guard case .slot = step else { return }
    step = .ended
    if reader.shortcut(to: partition).fetchNode(of: hash) || !readsFile { return }
    if let leaf = reader.shortcutIntoFile(of: partition).tree?.fetchLeaf(for: key) {
      step = .leaf(leaf)
    }
  }

  /// Asks for the leaf's nodes.
  @inline(__always)
  package mutating func finish(in reader: Reader) {
    guard case .leaf(let number) = step else { return }
    step = .ended
    reader.shortcut(to: partition).tree?.fetchNodes(of: number)
  }
}
