import Base

/// Numbers by name, ignoring the case of ASCII letters.
///
/// An open-addressing hash table over names folded into two words, so a lookup compares integers and allocates
/// nothing. It is built once and is at most a quarter full, so a probe rarely goes past the first slot. Names that
/// are too long to be folded are in a dictionary.
struct NameTable: Sendable {
  private struct Slot {
    var name = FoldedName()
    var number = -1
  }

  private let slots: [Slot]
  private let longNames: [[UInt8]: Int]
  /// The bytes of the longest name. A longer one is not converted in order to be looked up.
  private let longestByteCount: Int

  /// A table of `names`, no two of which are the same but for their case.
  init(_ names: [(name: String, number: Int)]) {
    var count = 4
    while count < 4 * names.count { count *= 2 }
    var slots = [Slot](repeating: Slot(), count: count)
    var longNames: [[UInt8]: Int] = [:]
    for (name, number) in names {
      guard let folded = name.withRawBytes({ FoldedName($0) }) else {
        let former = longNames.updateValue(number, forKey: Self.lowered(name.utf8))
        precondition(former == nil, "duplicate name \(name)")
        continue
      }
      var slot = folded.hash & (count - 1)
      while slots[slot].number >= 0 {
        precondition(slots[slot].name != folded, "duplicate name \(name)")
        slot = (slot + 1) & (count - 1)
      }
      slots[slot] = Slot(name: folded, number: number)
    }
    self.slots = slots
    self.longNames = longNames
    longestByteCount = names.map(\.name.utf8.count).max() ?? 0
  }

  /// The number of `name`, or nil. O(1) expected.
  @inline(__always)
  func index(of name: RawSpan) -> Int? {
    guard let folded = FoldedName(name) else { return index(ofLong: name) }
    let mask = slots.count &- 1
    var slot = folded.hash & mask
    while slots[slot].number >= 0 {
      if slots[slot].name == folded { return slots[slot].number }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  @inline(never)
  private func index(ofLong name: RawSpan) -> Int? {
    guard !longNames.isEmpty, name.byteCount <= longestByteCount else { return nil }
    return longNames[Self.lowered([UInt8](copying: name))]
  }

  private static func lowered(_ name: some Sequence<UInt8>) -> [UInt8] {
    name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
  }
}
