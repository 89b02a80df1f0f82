import Base
import KVStore

/// A place among the fields of a map that only goes forward, for walks over several maps side by side.
///
/// Fields are read a page at a time. Pages grow while fields are taken one after another and are small behind
/// a leap, which costs O(log n), so that a few fields are found in a huge map without reading all of it.
struct FieldCursor {
  private static let leapCount = 16
  /// How many fields the pages of all cursors of a walk may have together.
  private static let fieldCount = 1 << 16
  private static let largestPage = 1024

  private let map: FoundMap
  private let pageLimit: Int
  private var page = FieldList()
  private var place = 0
  private var pageCount: Int
  private var isLastPage = false

  /// At the first field of `map`, as one of `cursorCount` cursors that are used together.
  init<V: EntryView & ~Copyable>(
    _ map: FoundMap, cursorCount: Int, in view: inout V
  ) throws(StoreError) {
    self.map = map
    pageLimit = max(1, min(Self.largestPage, Self.fieldCount / cursorCount))
    pageCount = min(Self.leapCount, pageLimit)
    try fill(from: [], in: &view)
  }

  var isAtEnd: Bool { place == page.count }

  /// The field that it is at, which must not be the end.
  var field: RawSpan {
    @_lifetime(borrow self)
    get { page[place] }
  }

  /// Negative, zero or positive as the field that it is at comes before, is, or comes behind `other`.
  func order(to other: RawSpan) -> Int { field.compare(to: other) }

  func isBefore(_ other: FieldCursor) -> Bool { field.compare(to: other.field) < 0 }

  /// Makes `bytes` those of the field that it is at.
  func copyField(to bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(copying: field)
  }

  /// Goes to the next field.
  mutating func advance<V: EntryView & ~Copyable>(in view: inout V) throws(StoreError) {
    place += 1
    guard isAtEnd, !isLastPage else { return }
    pageCount = min(2 * pageCount, pageLimit)
    try fill(from: [UInt8](copying: page[page.count - 1]) + [0], in: &view)
  }

  /// Goes to the first field that is not before `target`, if it is before that.
  mutating func advance<V: EntryView & ~Copyable>(
    to target: RawSpan, in view: inout V
  ) throws(StoreError) {
    while !isAtEnd, field.compare(to: target) < 0 { place += 1 }
    guard isAtEnd, !isLastPage else { return }
    pageCount = min(Self.leapCount, pageLimit)
    try fill(from: [UInt8](copying: target), in: &view)
  }

  private mutating func fill<V: EntryView & ~Copyable>(
    from lower: [UInt8], in view: inout V
  ) throws(StoreError) {
    page.removeAll()
    place = 0
    try map.walk(KeyRange(from: lower), limit: pageCount, in: &view) { field, _ in
      page.append(field)
      return true
    }
    isLastPage = page.count < pageCount
  }
}
