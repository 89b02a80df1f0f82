import Foundation
import Glibc
import Testing

@testable import KVStore

/// A store that the disk had no room for once stayed there half made, and filled the disk.
@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct CreationSpaceTests {
  /// From where the first partition has no room to where all but the log's second segment has.
  @Test(arguments: [0, 64, 300, 1000, 1500, 2100, 3000, 4200])
  func `a store that there is no room for leaves nothing`(kibibytes: Int) throws {
    let disk = try SmallDisk(byteCount: 16 << 20)
    try disk.fill(leaving: kibibytes << 10)
    let path = disk.path + "/store"
    var options = StoreOptions()
    options.partitionCount = 4
    options.segmentByteCount = 4 << 20
    do {
      let store = try Store.open(at: path, options: options)
      try store.close()
    } catch StoreError.diskFull {
      #expect(try !Files.exists(path))
    }
    disk.empty()
    let store = try Store.open(at: path, options: options)
    try store.put([1], [2])
    try store.close()
  }

  @Test func `a directory that was there stays, with nothing of a store in it`() throws {
    let disk = try SmallDisk(byteCount: 8 << 20)
    try disk.fill(leaving: 1 << 20)
    var options = StoreOptions()
    options.segmentByteCount = 4 << 20
    #expect(throws: StoreError.self) { _ = try Store.open(at: disk.path, options: options) }
    #expect(Set(try Files.names(in: disk.path)) == ["LOCK", "ballast"])
  }

  @Test func `what is discarded and not wholly so is begun again`() throws {
    let directory = TemporaryDirectory()
    try Store.open(at: directory.path).close()
    // As after a crash in the middle of `discard`.
    try Files.createEmpty(directory.path + "/" + StoreOpening.creatingName)
    unlink(directory.path + "/MANIFEST")
    let store = try Store.open(at: directory.path)
    #expect(store.openReport.isNew)
    try store.close()
  }
}
