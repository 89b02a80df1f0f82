import Base
import KVStore

/// Unions, intersections and differences of the fields of several maps. The maps are walked in parallel; fields are
/// lent in byte order until `body` returns false. At most one page of each map is in memory.
package enum FieldSetOperations {
  /// Fields that at least one map has. O(n log m) for n fields in m maps.
  package static func union<V: EntryView & ~Copyable>(
    of maps: [FoundMap], in view: inout V, _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if maps.count == 1 { return try all(of: maps[0], in: &view, body) }
    var heap = try CursorHeap(maps, in: &view)
    var field: [UInt8] = []
    while !heap.isEmpty {
      heap.copyFirst(to: &field)
      guard try body(field.rawSpan) else { return }
      while heap.isFirst(field.rawSpan) { try heap.advanceFirst(in: &view) }
    }
  }

  /// Fields that all maps have. The smallest map leads, and the others are read only near its fields: O(s · m · log
  /// n) for s fields in the smallest.
  package static func intersection<V: EntryView & ~Copyable>(
    of maps: [FoundMap], in view: inout V, _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if maps.count == 1 { return try all(of: maps[0], in: &view, body) }
    var cursors: [FieldCursor] = []
    for map in maps.sorted(by: { $0.count < $1.count }) {
      cursors.append(try FieldCursor(map, cursorCount: maps.count, in: &view))
    }
    var candidate: [UInt8] = []
    while !cursors[0].isAtEnd {
      cursors[0].copyField(to: &candidate)
      var isShared = true
      for index in 1..<cursors.count where isShared {
        try cursors[index].advance(to: candidate.rawSpan, in: &view)
        if cursors[index].isAtEnd { return }
        guard cursors[index].order(to: candidate.rawSpan) != 0 else { continue }
        isShared = false
        cursors[index].copyField(to: &candidate)
        try cursors[0].advance(to: candidate.rawSpan, in: &view)
      }
      guard isShared else { continue }
      guard try body(candidate.rawSpan) else { return }
      try cursors[0].advance(in: &view)
    }
  }

  /// Fields that `map` has and none of `others`. Those are read only near its fields: O(n · m · log n) for n fields
  /// in `map`.
  package static func difference<V: EntryView & ~Copyable>(
    of map: FoundMap, without others: [FoundMap], in view: inout V,
    _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if others.isEmpty { return try all(of: map, in: &view, body) }
    var leader = try FieldCursor(map, cursorCount: others.count + 1, in: &view)
    var cursors: [FieldCursor] = []
    for other in others {
      cursors.append(try FieldCursor(other, cursorCount: others.count + 1, in: &view))
    }
    while !leader.isAtEnd {
      var isFound = false
      for index in cursors.indices where !isFound && !cursors[index].isAtEnd {
        try cursors[index].advance(to: leader.field, in: &view)
        isFound = !cursors[index].isAtEnd && cursors[index].order(to: leader.field) == 0
      }
      if !isFound, try !body(leader.field) { return }
      try leader.advance(in: &view)
    }
  }

  private static func all<V: EntryView & ~Copyable>(
    of map: FoundMap, in view: inout V, _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try map.walk(in: &view) { field, _ throws(StoreError) in try body(field) }
  }
}

/// A binary heap of cursors; the one with the least field is first.
private struct CursorHeap {
  private var cursors: [FieldCursor] = []

  init<V: EntryView & ~Copyable>(
    _ maps: [FoundMap], in view: inout V
  ) throws(StoreError) {
    for map in maps {
      let cursor = try FieldCursor(map, cursorCount: maps.count, in: &view)
      if !cursor.isAtEnd { cursors.append(cursor) }
    }
    for index in (0..<cursors.count / 2).reversed() { sink(index) }
  }

  var isEmpty: Bool { cursors.isEmpty }

  func copyFirst(to bytes: inout [UInt8]) { cursors[0].copyField(to: &bytes) }

  func isFirst(_ field: RawSpan) -> Bool { !isEmpty && cursors[0].order(to: field) == 0 }

  mutating func advanceFirst<V: EntryView & ~Copyable>(in view: inout V) throws(StoreError) {
    try cursors[0].advance(in: &view)
    if cursors[0].isAtEnd {
      cursors.swapAt(0, cursors.count - 1)
      cursors.removeLast()
    }
    sink(0)
  }

  /// Moves the cursor at `index` down to its place in the heap.
  private mutating func sink(_ index: Int) {
    var index = index
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < cursors.count {
        if cursors[child].isBefore(cursors[least]) { least = child }
      }
      if least == index { return }
      cursors.swapAt(index, least)
      index = least
    }
  }
}
