import Base

/// Fields of a map one behind the other in one buffer: of a page, or of what is to be written once a walk is
/// over, since nothing can be written while one goes on.
package struct FieldList {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  package var count: Int { ends.count }
  package var byteCount: Int { bytes.count }

  package subscript(index: Int) -> RawSpan {
    @_lifetime(borrow self)
    get { bytes.rawSpan.extracting((index == 0 ? 0 : ends[index - 1])..<ends[index]) }
  }

  package mutating func append(_ field: RawSpan) {
    bytes.append(copying: field)
    ends.append(bytes.count)
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }
}
