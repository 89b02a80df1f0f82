/// Elements that wait for positions, ordered by position. So reaching a position touches only those that wait for it
/// or for less. Keeps no reference to what was taken.
struct PositionQueue<Element> {
  private struct Entry {
    let position: UInt64
    var element: Element?
  }

  private var entries: [Entry] = []
  private var head = 0
  private static var keptCount: Int { 1024 }

  var isEmpty: Bool { head == entries.count }

  /// O(1) for the greatest position so far, which is the usual case; O(n) otherwise.
  mutating func insert(_ element: Element, at position: UInt64) {
    var place = entries.count
    while place > head, entries[place - 1].position > position { place -= 1 }
    let entry = Entry(position: position, element: element)
    if place == entries.count { entries.append(entry) } else { entries.insert(entry, at: place) }
  }

  /// Takes the first element if it waits for `position` or for less. Amortized O(1).
  mutating func takeFirst(upTo position: UInt64) -> Element? {
    guard head < entries.count, entries[head].position <= position else { return nil }
    let element = entries[head].element.take()
    head += 1
    if head == entries.count {
      entries.removeAll(keepingCapacity: head <= Self.keptCount)
      head = 0
    } else if head >= Self.keptCount, head * 2 >= entries.count {
      entries.removeFirst(head)
      head = 0
    }
    return element
  }
}
