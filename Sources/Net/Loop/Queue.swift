/// A first-in, first-out queue. Amortized O(1). Keeps no reference to what was removed.
struct Queue<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func removeFirst() {
    elements[head] = nil
    head += 1
    guard head == elements.count || head >= 1024 else { return }
    elements.removeFirst(head)
    head = 0
  }
}
