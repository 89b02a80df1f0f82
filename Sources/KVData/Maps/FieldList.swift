import Base

/// A list of map fields in one buffer: a page, or fields to be written after a walk, because nothing can be written
/// while a walk is in progress.
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
