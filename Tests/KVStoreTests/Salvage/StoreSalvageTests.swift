import Base
import Foundation
import Testing

@testable import KVStore

/// What salvage makes of a log. It gave up at the first record that deletes an owned entry, so that no store with
/// hashes or keys that expire could be salvaged.
@Suite struct StoreSalvageTests {
  private static let field = ownedKey(slot: 50)

  /// What a killed process leaves of a store in which only the log holds what `change` does.
  private func killed(
    withMemory byteCount: Int = 8 << 20, _ change: (Store) throws -> Void
  ) throws -> TemporaryDirectory {
    let fixture = try StoreFixture {
      $0.memoryByteCount = byteCount
      $0.logByteLimit = byteCount
    }
    try change(fixture.store)
    return try fixture.crashFiles()
  }

  private func contents(_ path: String) throws -> [[UInt8]: Entry] {
    let store = try Store.open(at: path)
    defer { try? store.close() }
    let reader = store.makeReader()
    defer { reader.close() }
    return try reader.entries(in: .everything)
      .merging(reader.entries(in: .everything, of: .owned)) { old, _ in old }
  }

  @Test func `the log's deletes of owned entries and of what has a type are carried out`() throws {
    let (key, map) = (bytes("mortal"), bytes("map"))
    let (first, second) = (Self.field + [1], Self.field + [2])
    let source = try killed { store in
      func write(_ body: (inout Evaluation) throws(StoreError) -> Void) throws {
        let (_, receipt) = try store.admitAndEvaluate(byteCount: 1 << 12, body)
        try store.waitUntilDurable(receipt)
      }
      try write { evaluation throws(StoreError) in
        try evaluation.putEntry(map.rawSpan, [1].rawSpan, type: 1)
        try evaluation.putEntry(first.rawSpan, [7].rawSpan, in: .owned)
        try evaluation.putEntry(second.rawSpan, [8].rawSpan, in: .owned)
        try evaluation.putEntry(key.rawSpan, [1].rawSpan, type: 0, expiry: 1 << 45)
      }
      try write { evaluation throws(StoreError) in
        // As HDEL does, and EXPIRE over an expiry.
        try evaluation.deleteEntry(first.rawSpan, in: .owned)
        try evaluation.putEntry(
          key.rawSpan, [2].rawSpan, type: 0, expiry: 1 << 46, replacing: 1 << 45)
      }
      // As DEL of a map does whose fields are gone: a user's key alone.
      try write { evaluation throws(StoreError) in try evaluation.deleteEntry(map.rawSpan) }
    }
    let target = TemporaryDirectory()
    let report = try salvage(source.path, into: target.path)
    #expect(report.lossCount == 0, "\(report.losses)")
    #expect(report.transactionCount == 3)
    #expect(
      try contents(target.path) == [
        key: Entry(value: [2], expiry: 1 << 46), second: Entry(value: [8]),
      ])
    let store = try Store.open(at: target.path)
    #expect(try store.expiryIndex().count == 1)
    try store.close()
  }

  /// Deletes were gathered without an end: those of one log did not fit into a batch.
  @Test func `deletes are copied in batches of a bounded size`() throws {
    let count = 60_000
    let source = try killed(withMemory: 64 << 20) { store in
      var batch = Batch()
      for number in 0..<count { try batch.delete(bytes("key \(number)")) }
      try store.commit(batch)
    }
    let target = TemporaryDirectory()
    let report = try salvage(source.path, into: target.path)
    #expect(report.lossCount == 0, "\(report.losses)")
    let store = try Store.open(at: target.path)
    defer { try? store.close() }
    // A batch of deletes counts about 170 bytes for each.
    #expect(store.publishedSequence - 1 << 40 >= 3)
  }

  /// Without a log each copy began with the same sequence, so that the ids of its maps were given out twice.
  @Test func `a copy of a copy goes on behind every sequence that the first has given out`() throws
  {
    let fixture = try StoreFixture()
    try fixture.store.put(bytes("a"), [1])
    try fixture.store.checkpoint()
    try fixture.close()
    var path = fixture.directory.path
    var last: SequenceNumber = 0
    var targets: [TemporaryDirectory] = []
    for _ in 0..<3 {
      try FileManager.default.removeItem(atPath: path + "/log")
      let target = TemporaryDirectory()
      targets.append(target)
      let report = try salvage(path, into: target.path)
      #expect(report.losses.contains { $0.hasPrefix("the log: ") })
      let store = try Store.open(at: target.path, options: fixture.options)
      var sequence = try store.put(bytes("first"), [1])
      #expect(sequence > last)
      for number in 0..<50 { sequence = try store.put(bytes("key"), [UInt8(number)]) }
      last = sequence
      #expect(try store.get(bytes("a")) == [1])
      try store.close()
      #expect(try StoreInspection(at: target.path).check().isSound)
      path = target.path
    }
  }

  @Test func `a partition whose data file is missing does not keep the others from being copied`()
    throws
  {
    let fixture = try StoreFixture()
    for number in 0..<100 { try fixture.store.put([UInt8(number)], [1]) }
    try fixture.store.checkpoint()
    try fixture.close()
    try FileManager.default.removeItem(
      atPath: fixture.directory.path + "/partition-0001/data.mdb")
    let target = TemporaryDirectory()
    let report = try salvage(fixture.directory.path, into: target.path)
    #expect(report.lossCount > 0)
    #expect(report.entryCount > 50 && report.entryCount < 100)
    #expect(try contents(target.path).count == report.entryCount)
  }

  @Test func `a directory that is a link is no place for a copy, with a slash after it either`()
    throws
  {
    let fixture = try StoreFixture()
    try fixture.close()
    let (target, link) = (TemporaryDirectory(), TemporaryDirectory())
    symlink(target.path, link.path + "/new")
    for path in [link.path + "/new", link.path + "/new/"] {
      #expect(
        throws: StoreError.io(IOError(errno: ELOOP, operation: "open", path: link.path + "/new"))
      ) {
        try salvage(fixture.directory.path, into: path)
      }
    }
    #expect(try Files.names(in: target.path).isEmpty)
  }
}
