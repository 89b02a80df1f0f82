import Base
import KVStore

/// A forward-only cursor over a map's fields, for walks over several maps in parallel.
///
/// Fields are read in pages. Pages grow during sequential reading and are small after a leap, which costs O(log n).
/// So a few fields of a huge map are found without reading all of it.
struct FieldCursor {
  private static let leapCount = 16
  /// The maximum number of fields in the pages of all cursors of a walk together.
  private static let fieldCount = 1 << 16
  private static let largestPage = 1024

  private let map: FoundMap
  private let pageLimit: Int
  private var page = FieldList()
  private var place = 0
  private var pageCount: Int
  private var isLastPage = false

  /// Starts at the first field of `map`, as one of `cursorCount` cursors used together.
  init<V: EntryView & ~Copyable>(
    _ map: FoundMap, cursorCount: Int, in view: inout V
  ) throws(StoreError) {
    self.map = map
    pageLimit = max(1, min(Self.largestPage, Self.fieldCount / cursorCount))
    pageCount = min(Self.leapCount, pageLimit)
    try fill(from: [], in: &view)
  }

  var isAtEnd: Bool { place == page.count }

  /// The current field. The cursor must not be at the end.
  var field: RawSpan {
    @_lifetime(borrow self)
    get { page[place] }
  }

  /// Negative, zero or positive when the current field sorts before, equal to or after `other`.
  func order(to other: RawSpan) -> Int { field.compare(to: other) }

  func isBefore(_ other: FieldCursor) -> Bool { field.compare(to: other.field) < 0 }

  /// Copies the current field to `bytes`.
  func copyField(to bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(copying: field)
  }

  /// Moves to the next field.
  mutating func advance<V: EntryView & ~Copyable>(in view: inout V) throws(StoreError) {
    place += 1
    guard isAtEnd, !isLastPage else { return }
    pageCount = min(2 * pageCount, pageLimit)
    try fill(from: [UInt8](copying: page[page.count - 1]) + [0], in: &view)
  }

  /// Moves forward to the first field not before `target`.
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
