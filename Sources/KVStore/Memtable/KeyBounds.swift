import Base

/// The bounds of a memtable's keys, by the first eight bytes of what is stored. A scan of a range outside of them need not
/// sort the memtable's keys.
///
/// One thread includes keys, and does so before it publishes them. A reader that can find a key therefore
/// finds it included.
struct KeyBounds {
  private let greatest: AtomicWord
  /// The least key, stored inverted, so that zero means "no key" here too.
  private let leastInverted: AtomicWord

  /// Creates a span over two atomic words, which must be 0.
  init(greatest: AtomicWord, leastInverted: AtomicWord) {
    self.greatest = greatest
    self.leastInverted = leastInverted
  }

  /// Includes a key, given its `KeyNode.window(at: 0)`.
  @inline(__always)
  func include(_ window: UInt64) {
    if UInt(window) > greatest.load() { greatest.publish(UInt(window)) }
    if ~UInt(window) > leastInverted.load() { leastInverted.publish(~UInt(window)) }
  }

  /// Returns false only if no key in `range` was included.
  func mayOverlap(_ range: StoredRange) -> Bool {
    UInt(KeyNode.window(of: range.lower.rawSpan)) <= greatest.load()
      && UInt(KeyNode.window(of: range.upper.rawSpan)) >= ~leastInverted.load()
  }
}
