import Base
import Testing

@testable import KVStore

/// Keys of every length, of which some grow on their way down: an expiry puts a prefix before them.
///
/// A key of 502 to 509 bytes that began with 0x00 was taken with an expiry and acknowledged. Its place in the index
/// of expiries was longer than LMDB takes, so applying the log failed, at every open from then on.
@Suite struct KeyLengthTests {
  private static let lengths = [0, 1, 2, 3, 4, 8, 9, 15, 16, 17, 255, 490, 491] + Array(492...512)
  private static let beginnings: [[UInt8]] = [
    [], [0], [0, 0], [0, 0, 1], [0, 16], [0, 255], [0, 1], [0, 2], [0, 3], [0, 15], [1], [255],
  ]

  private static var keys: [[UInt8]] {
    var keys: Set<[UInt8]> = []
    for beginning in beginnings {
      for length in lengths where length >= beginning.count {
        keys.insert(beginning + [UInt8](repeating: 0x6B, count: length - beginning.count))
      }
    }
    return keys.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// What of it is taken is read again, from memory, out of the log, and out of LMDB; what is not has said so.
  @Test(arguments: [0, UInt64.max])
  func `a key that is taken is there after it was applied and after the store was opened again`(
    expiry: UInt64
  ) throws {
    let fixture = try StoreFixture()
    var taken: [[UInt8]: Entry] = [:]
    for (number, key) in Self.keys.enumerated() {
      let entry = Entry(value: [UInt8(truncatingIfNeeded: number)], expiry: expiry)
      let limit = Limits.keyByteCount
      do {
        try number % 2 == 0
          ? fixture.store.put(key, entry)
          : fixture.store.evaluateDurably { evaluation throws(StoreError) in
            try evaluation.put(key, entry)
          }
        taken[key] = entry
        #expect(key.count <= limit)
      } catch {
        #expect(error == .keyTooLong(byteCount: key.count, limit: limit))
      }
    }
    try check(fixture.store, taken)
    let replayed = try fixture.crashImage()
    try check(replayed.store, taken)
    try fixture.store.checkpoint()
    try check(fixture.store, taken)
    try fixture.reopen()
    try check(fixture.store, taken)
    // And they go again, index and all.
    for key in taken.keys {
      try fixture.store.evaluateDurably { evaluation throws(StoreError) in
        try evaluation.delete(key.rawSpan, replacing: expiry)
      }
    }
    try fixture.reopen()
    #expect(try fixture.store.statistics().storedEntryCount == 0)
  }

  private func check(_ store: Store, _ taken: [[UInt8]: Entry]) throws {
    let reader = store.makeReader()
    defer { reader.close() }
    #expect(try reader.entries(in: .everything) == taken)
    for (key, entry) in taken { #expect(try reader.entry(key) == entry) }
    for key in Self.keys where taken[key] == nil && key.count < Limits.storedKeyByteCount {
      #expect(try reader.entry(key) == nil)
    }
  }

  /// Bounds are not stored as keys, but sought, and those of a range delete stand in its tombstone.
  @Test(arguments: [0, 1, 0x6B, 255] as [UInt8])
  func `a range may begin and end at bounds of any length, or is refused`(first: UInt8) throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try store.put([first], [1])
    try store.checkpoint()
    for length in Self.lengths + [1000, 65_534, 65_535, 65_536, 200_000] where length > 0 {
      let bound = [first, first] + [UInt8](repeating: first, count: length)
      for range in [KeyRange(from: bound), KeyRange(from: [], to: bound), .prefix(bound)] {
        let holds = range.contains([first].rawSpan)
        #expect(try store.scan(range, limit: 9).count == (holds ? 1 : 0))
        #expect(try store.scan(range, reverse: true, limit: 9).count == (holds ? 1 : 0))
        do {
          try store.deleteRange(range)
          #expect(try store.get([first]) == (holds ? nil : [1]))
          try store.put([first], [1])
        } catch StoreError.keyTooLong {
          #expect(bound.count > Limits.keyByteCount)
        }
      }
    }
    try store.waitUntilPurged()
    try fixture.reopen()
    #expect(try fixture.store.get([first]) == [1])
  }
}
