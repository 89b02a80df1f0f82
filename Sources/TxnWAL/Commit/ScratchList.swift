/// A list that is filled and emptied over and over: emptying it is one store, and its memory stays.
///
/// For plain values in a hot loop, where `Array.removeAll(keepingCapacity:)` is a call that costs more than
/// what is kept.
struct ScratchList<Element> {
  private var elements: [Element] = []
  /// How many elements count.
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

  /// Empties the list. Memory for more than `retained` elements goes back.
  @inline(__always)
  mutating func removeAll(retaining retained: Int = 1024) {
    count = 0
    if elements.count > retained { elements = [] }
  }
}
