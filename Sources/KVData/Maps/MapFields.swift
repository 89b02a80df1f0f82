import Base
import KVStore

/// Operations on all fields of a map.
enum MapFields {
  /// Removes all fields: one by one if they are few; otherwise with a range tombstone in their partition, which
  /// takes effect at once whatever their number.
  static func deleteAll(
    of record: MapRecord, in evaluation: inout Evaluation
  ) throws(StoreError) {
    let range = record.id.keys(of: .everything)
    let limit = MapLimits.fieldsDeletedOneByOne
    guard record.count <= limit else {
      return try evaluation.deleteRange(
        range, in: .owned, ofPartitionOf: range.lower.rawSpan)
    }
    var keys: [[UInt8]] = []
    keys.reserveCapacity(record.count)
    try evaluation.scanEntries(
      range, in: .owned, ofPartitionOf: range.lower.rawSpan, limit: limit
    ) { key, _, _ in
      keys.append([UInt8](copying: key))
      return true
    }
    try evaluation.atomically { evaluation throws(StoreError) in
      for key in keys { try evaluation.deleteEntry(key.rawSpan, in: .owned) }
    }
  }

  /// Copies all fields for a new map at `key` and returns its record. Works a page at a time, because nothing can
  /// be written while a scan is in progress.
  static func copyAll(
    of record: MapRecord, for key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> MapRecord {
    let id = evaluation.makeMapID(for: key)
    let map = FoundMap(record)
    var target = FieldKey(of: id)
    var range = KeyRange.everything
    var count = 0
    while true {
      var page = Page()
      try map.walk(range, in: &evaluation) { field, value in
        page.append(field, value)
        return !page.isFull
      }
      for place in page.fields.indices {
        target.set(page.bytes.rawSpan.extracting(page.fields[place]))
        try evaluation.putEntry(
          target.bytes.rawSpan, page.bytes.rawSpan.extracting(page.values[place]), in: .owned)
      }
      count += page.fields.count
      guard page.isFull, let last = page.fields.last else { break }
      range.lower = Array(page.bytes[last]) + [0]
    }
    return MapRecord(id: id, count: count)
  }

  /// Fields and values in one buffer.
  private struct Page {
    private(set) var bytes: [UInt8] = []
    private(set) var fields: [Range<Int>] = []
    private(set) var values: [Range<Int>] = []

    var isFull: Bool { bytes.count >= 1 << 20 }

    mutating func append(_ field: RawSpan, _ value: RawSpan) {
      let start = bytes.count
      bytes.append(copying: field)
      let end = bytes.count
      bytes.append(copying: value)
      fields.append(start..<end)
      values.append(end..<bytes.count)
    }
  }
}
