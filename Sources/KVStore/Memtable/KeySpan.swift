import Base

/// From which key to which a memtable reaches, by their first eight bytes: who wants keys elsewhere need not
/// put the memtable's in order.
///
/// One thread includes keys, before it publishes them. Whoever may read a key therefore finds it included.
struct KeySpan {
  private let greatest: AtomicWord
  /// The least, as what it lacks to the greatest number: so that zero stands for no key here as well.
  private let leastInverted: AtomicWord

  /// Two atomic words, 0 by now.
  init(greatest: AtomicWord, leastInverted: AtomicWord) {
    self.greatest = greatest
    self.leastInverted = leastInverted
  }

  /// Notes a key by its `KeyNode.window(at: 0)`.
  @inline(__always)
  func include(_ window: UInt64) {
    if UInt(window) > greatest.load() { greatest.publish(UInt(window)) }
    if ~UInt(window) > leastInverted.load() { leastInverted.publish(~UInt(window)) }
  }

  /// False if no key in `range` was included.
  func mayMeet(_ range: KeyRange) -> Bool {
    if UInt(KeyNode.window(of: range.lower.rawSpan)) > greatest.load() { return false }
    guard let upper = range.upper else { return true }
    return UInt(KeyNode.window(of: upper.rawSpan)) >= ~leastInverted.load()
  }
}
