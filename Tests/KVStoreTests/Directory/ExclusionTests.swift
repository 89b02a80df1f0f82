import Base
import Foundation
import Glibc
import Testing

@testable import KVStore

/// Two daemons once served one store, because somebody had removed LOCK: both acknowledged, and after a
/// kill half of the acknowledged keys were gone. `flock` treats two opens of one process like those of two.
@Suite struct ExclusionTests {
  @Test(arguments: [[], ["LOCK"], ["LOCK", "partition-0000/lock.mdb", "BALLAST"]])
  func `a store that is open cannot be opened again, whatever is removed meanwhile`(
    names: [String]
  ) throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    for name in names { unlink(fixture.directory.path + "/" + name) }
    let error = #expect(throws: StoreError.self) {
      _ = try Store.open(at: fixture.directory.path, options: fixture.options)
    }
    guard case .locked = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try fixture.store.put([3], [4])
    try fixture.reopen()
    #expect(try fixture.contents() == [[1]: [2], [3]: [4]])
  }

  @Test func `another process is kept out by the data file alone`() throws {
    let fixture = try StoreFixture()
    let file = try Files.open(
      fixture.directory.path + "/partition-0002/data.mdb", O_RDONLY)
    #expect(throws: StoreError.locked(path: file.path, holder: "another process")) {
      try FileLock.take(.exclusive, on: file)
    }
    #expect(throws: StoreError.self) { try FileLock.take(.shared, on: file) }
    try fixture.close()
    try FileLock.take(.exclusive, on: file)
  }

  @Test func `a store that another process is making is not made again`() throws {
    let directory = TemporaryDirectory()
    let note = directory.path + "/" + StoreOpening.creatingName
    try Files.createEmpty(note)
    let file = try Files.open(note, O_RDONLY)
    try FileLock.take(.exclusive, on: file)
    #expect(throws: StoreError.locked(path: note, holder: "another process")) {
      _ = try Store.open(at: directory.path)
    }
    FileLock.release(file)
    try Store.open(at: directory.path).close()
  }

  /// Another process makes the store at that point, after this one has looked and before it has the note's lock. It
  /// took what was finished for remains, and removed it.
  @Test(arguments: [CrashPoint.createBeforeNote, .createBeforeLock].map(\.rawValue))
  func `a store that another process has finished meanwhile is not removed`(
    point: String
  ) async throws {
    let directory = TemporaryDirectory()
    let path = directory.path
    await #expect(processExitsWith: .success) {
      [path = path as String, point = point as String] in
      try Self.makeTwice(path, point)
    }
    #expect(try StoreInspection(at: path).check().isSound)
  }

  private static func makeTwice(_ path: String, _ point: String) throws {
    CrashPoint.setHandler { reached in
      if reached.rawValue != point { return }
      CrashPoint.setHandler(nil)
      if (try? StoreCreation.make(at: path, options: StoreOptions())) == nil { exit(2) }
    }
    if try StoreCreation.make(at: path, options: StoreOptions()) != nil { exit(3) }
    let store = try Store.open(at: path)
    if store.openReport.isNew { exit(4) }
    try store.close()
  }

  @Test func `a note beside a finished store is not taken for remains`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    try Files.createEmpty(fixture.directory.path + "/" + StoreOpening.creatingName)
    #expect(try StoreCreation.make(at: fixture.directory.path, options: fixture.options) == nil)
    let store = try Store.open(at: fixture.directory.path, options: fixture.options)
    #expect(try store.contents() == [[1]: [2]])
    try store.close()
  }

  // MARK: Tools

  private func cutAtEnd(of path: String) throws -> StoreTruncation {
    let inspection = try StoreInspection(at: path)
    var log = try inspection.log()
    while try log.next() != nil {}
    return try StoreTruncation(of: inspection, at: log.position.rawValue)
  }

  /// Segments were filled with zeros under a daemon that wrote to them.
  @Test func `the log of a store that is open is not cut, whatever is removed meanwhile`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    let cut = try cutAtEnd(of: fixture.directory.path)
    try fixture.reopen()
    try fixture.store.put([3], [4])
    for name in ["LOCK", "partition-0000/lock.mdb"] {
      unlink(fixture.directory.path + "/" + name)
    }
    let error = #expect(throws: StoreError.self) { try cut.carryOut() }
    guard case .locked(let path, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path.hasSuffix("partition-0000/data.mdb"))
    let image = try fixture.crashImage()
    #expect(try image.contents() == [[1]: [2], [3]: [4]])
  }

  @Test func `a cut is looked at again once no store can be open`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    let early = try cutAtEnd(of: fixture.directory.path)
    let image = try fixture.crashFiles()
    try fixture.reopen()
    try fixture.store.put([3], [4])
    let killed = try fixture.crashFiles()
    try fixture.close()
    // Applied by now.
    #expect(throws: StoreError.self) { try early.carryOut() }
    try fixture.reopen()
    #expect(try fixture.contents() == [[1]: [2], [3]: [4]])
    // Not applied, and not there when it was first looked at.
    let other = try cutAtEnd(of: image.path)
    try FileManager.default.removeItem(atPath: image.path)
    try FileManager.default.copyItem(atPath: killed.path, toPath: image.path)
    let error = #expect(throws: StoreError.self) { try other.carryOut() }
    guard case .invalidOption(let text) = error, text.contains("has been written to") else {
      Issue.record("\(String(describing: error))")
      return
    }
    // And again as it is now.
    try cutAtEnd(of: image.path).carryOut()
    let store = try Store.open(at: image.path, options: fixture.options)
    #expect(try store.contents() == [[1]: [2], [3]: [4]])
    try store.close()
  }

  @Test func `a store that is open is not salvaged, though LOCK was removed`() throws {
    let fixture = try StoreFixture()
    unlink(fixture.directory.path + "/LOCK")
    let error = #expect(throws: StoreError.self) {
      try salvage(fixture.directory.path, into: nil)
    }
    guard case .locked = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a store that is being salvaged cannot be opened, though LOCK was removed`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    var refusals = 0
    let report = try salvage(fixture.directory.path, into: nil) {
      unlink(fixture.directory.path + "/LOCK")
      do {
        try Store.open(at: fixture.directory.path, options: fixture.options).close()
      } catch StoreError.locked {
        refusals += 1
      }
    }
    #expect(refusals == 4)
    #expect(report.entryCount == 1)
    try fixture.reopen()
  }
}
