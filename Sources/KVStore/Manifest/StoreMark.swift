/// A fact that stays true of a store once it is true, and that a layer above must know before it reads anything else.
/// Marks are kept in the manifest, without which no store is opened, so a mark cannot get lost like a separate file.
///
/// The layers above define their own, each with its own bit from 0 to 63.
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

  /// Sets the mark, durably on return. Costs nothing if it is set already.
  ///
  /// - Throws: `.closed`; `.diskFull` and `.io` if the manifest cannot be written.
  package func set(_ mark: StoreMark) throws(StoreError) {
    try checkOpen()
    try manifest.setMarks(mark.mask)
  }
}
