import Base
import Foundation
import Testing

@testable import KVStore

/// A store as a killed process of format 3 left it: every later build of that format must read it, and recover what
/// was only in its log. Once the format has another version, this store is refused, and the new version gets one.
///
/// `KVD_WRITE_FIXTURE=yes` writes it anew.
@Suite struct FormatFixtureTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/format-3")

  private static let owner = ownedKey(slot: 8191, fill: 9)

  /// What `fill` puts before the files are applied; the first half of it is deleted after that.
  private static let early = (0..<200).map { bytes("key \($0 + 100)") }

  private static func fill(_ store: Store) throws {
    var batch = Batch()
    for key in early { try batch.put(key, key + key) }
    try batch.put([], bytes("the empty key"))
    try batch.put([0, 1, 2], bytes("zeros"))
    try batch.put(bytes("lasting"), bytes("one"), type: 0, expiry: .max - 1)
    try batch.put(bytes("past"), bytes("gone"), type: 0, expiry: 1)
    try batch.put([UInt8](repeating: 0xFE, count: 500), [UInt8](repeating: 7, count: 9000))
    try store.commit(batch)
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.putEntry(bytes("owner").rawSpan, (owner + [1]).rawSpan, type: 5)
      try evaluation.putEntry((owner + bytes("a")).rawSpan, bytes("1").rawSpan, in: .owned)
      try evaluation.putClock()
    }
    try store.checkpoint()
    // From here on it is in the log alone.
    try store.deleteRange(KeyRange(from: bytes("key 100"), to: bytes("key 200")))
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.require(.present, of: bytes("key 250").rawSpan)
      try evaluation.put(bytes("key 250").rawSpan, bytes("newer").rawSpan)
      try evaluation.delete(bytes("key 251").rawSpan)
      try evaluation.putEntry((owner + bytes("b")).rawSpan, bytes("2").rawSpan, in: .owned)
    }
  }

  private static var expected: [[UInt8]: Entry] {
    var expected: [[UInt8]: Entry] = [:]
    for key in early.dropFirst(100) { expected[key] = Entry(value: key + key) }
    expected[[]] = Entry(value: bytes("the empty key"))
    expected[[0, 1, 2]] = Entry(value: bytes("zeros"))
    expected[bytes("lasting")] = Entry(value: bytes("one"), expiry: .max - 1)
    expected[[UInt8](repeating: 0xFE, count: 500)] = Entry(
      value: [UInt8](repeating: 7, count: 9000))
    expected[bytes("owner")] = Entry(value: owner + [1], type: 5)
    expected[bytes("key 250")] = Entry(value: bytes("newer"))
    expected[bytes("key 251")] = nil
    return expected
  }

  private static func options() -> StoreOptions {
    var options = StoreOptions.small(partitionCount: 2)
    options.segmentByteCount = 64 << 10
    return options
  }

  /// A copy of the fixture: opening a store changes it.
  private func copy() throws -> TemporaryDirectory {
    let copy = TemporaryDirectory()
    try FileManager.default.removeItem(atPath: copy.path)
    try FileManager.default.copyItem(atPath: Self.folder.path, toPath: copy.path)
    return copy
  }

  @Test func `a store of this format is recovered, read, checked and written to`() throws {
    let directory = try copy()
    var inspection = try StoreInspection(at: directory.path)
    inspection.isExpectedUnowned = { _ in true }
    let report = inspection.check()
    #expect(report.isSound, "\(report.findings)")
    let fixture = try StoreFixture(opening: directory, options: Self.options())
    #expect(fixture.store.openReport.recovery.rolledForwardCount > 0)
    for _ in 0..<2 {
      let store = fixture.store
      let reader = store.makeReader()
      #expect(try reader.entries(in: .everything) == Self.expected)
      reader.close()
      #expect(try store.scan(.everything, in: .owned).map(\.value) == [bytes("1"), bytes("2")])
      #expect(try store.expiryIndex() == ["1 past", "\(UInt64.max - 1) lasting"])
      // What has expired counts until it is removed.
      #expect(try store.countEntries() == Self.expected.count + 1)
      try store.waitUntilPurged()
      try fixture.reopen()
    }
    try fixture.store.put(bytes("new"), bytes("value"))
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("new")) == bytes("value"))
  }

  @Test(arguments: [1, 2] as [UInt8])
  func `a store of an earlier format is refused, and is told why`(version: UInt8) throws {
    let directory = try copy()
    let path = "\(directory.path)/MANIFEST"
    var manifest = [UInt8](try Data(contentsOf: URL(filePath: path)))
    manifest[8] = version
    manifest.removeLast(4)
    manifest.appendLittleEndian(manifest.checksum())
    try Data(manifest).write(to: URL(filePath: path))
    let error = #expect(throws: StoreError.self) {
      try Store.open(at: directory.path, options: Self.options())
    }
    let text = "\(try #require(error))"
    #expect(
      text.contains("(version \(version), written by an earlier kvd, without keyspaces)"))
    #expect(text.contains("this build reads version 3") && text.contains("docs/operations.md"))
    #expect([UInt8](try Data(contentsOf: URL(filePath: path))) == manifest)
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["KVD_WRITE_FIXTURE"] != nil))
  func `writes the fixture`() throws {
    let fixture = try StoreFixture { $0 = Self.options() }
    try Self.fill(fixture.store)
    let files = try fixture.crashFiles()
    let manager = FileManager.default
    for name in ["BALLAST", "partition-0000/lock.mdb", "partition-0001/lock.mdb"] {
      try? manager.removeItem(atPath: "\(files.path)/\(name)")
    }
    try? manager.removeItem(at: Self.folder)
    try manager.createDirectory(
      at: Self.folder.deletingLastPathComponent(), withIntermediateDirectories: true)
    try manager.copyItem(atPath: files.path, toPath: Self.folder.path)
  }
}
