/// A list that is filled and emptied repeatedly: emptying it is one store, and its memory is kept.
///
/// For plain values in a hot loop, where the call to `Array.removeAll(keepingCapacity:)` costs more than what the
/// list holds.
struct ReusableArray<Element> {
  private var elements: [Element] = []
  /// The number of elements in use.
  private(set) var count = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  /// Adds an element. O(1) amortized.
  @inline(__always)
  mutating func append(_ element: Element) {
    if count < elements.count {
      elements[count] = element
    } else {
      elements.append(element)
    }
    count &+= 1
  }

  subscript(index: Int) -> Element {
    @inline(__always) get {
      precondition(index < count)
      return elements[index]
    }
    @inline(__always) set {
      precondition(index < count)
      elements[index] = newValue
    }
  }

  /// Empties the list. Memory for more than `retained` elements is freed.
  @inline(__always)
  mutating func removeAll(retaining retained: Int = 1024) {
    count = 0
    if elements.count > retained { elements = [] }
  }
}
