/// Something that is true of a store for good once it has become true, and that a layer above must know before it
/// reads anything else. Marks stand in the manifest, without which no store is opened: unlike a file of its own,
/// a mark cannot get lost.
///
/// The layers above define theirs, each with a bit of its own from 0 to 63.
package struct StoreMark: Sendable {
  package let bit: Int

  package init(bit: Int) {
    precondition((0..<64).contains(bit))
    self.bit = bit
  }

  var mask: UInt64 { 1 << UInt64(bit) }
}

extension Store {
  /// Whether the mark is set.
  package func has(_ mark: StoreMark) -> Bool { manifest.marks & mark.mask != 0 }

  /// Sets the mark, durably on return. Costs nothing where it is set already.
  ///
  /// - Throws: `.closed`; `.diskFull` and `.io` where the manifest cannot be written.
  package func set(_ mark: StoreMark) throws(StoreError) {
    try checkOpen()
    try manifest.setMarks(mark.mask)
  }
}
