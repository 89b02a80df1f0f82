import Base
import Foundation
import Glibc
import Testing

@testable import KVStore

@Suite struct FileOwnershipTests {
  private static let isRoot = geteuid() == 0
  private static let someone: uid_t = 4711

  private func paths(under folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).map { folder + "/" + $0 }
  }

  private func work(on store: Store) throws {
    // More than a segment: some are made, some recycled.
    for index in 0..<64 {
      try store.put([UInt8(index)], [UInt8](repeating: 1, count: 32 << 10))
    }
    try store.checkpoint()
  }

  /// Log segments were once made with 0644: in a directory that was there before, with 0755 as systemd and
  /// Docker make them, everybody could read the data.
  @Test(arguments: [0o000, 0o022, 0o077] as [mode_t])
  func `all that a store makes is for its owner alone`(mask: mode_t) throws {
    let before = umask(mask)
    defer { umask(before) }
    let fixture = try StoreFixture()
    try work(on: fixture.store)
    for path in try paths(under: fixture.directory.path) {
      let status = try #require(try Files.status(of: path))
      #expect(status.st_mode & 0o077 == 0, "\(path)")
      let wanted: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600
      #expect(status.st_mode & 0o777 == wanted, "\(path)")
    }
  }

  @Test func `a directory that others can enter is told, a closed one is not`() throws {
    let directory = TemporaryDirectory()
    chmod(directory.path, 0o755)
    var store = try Store.open(at: directory.path)
    #expect(store.openReport.warnings.count == 1)
    #expect(store.openReport.warnings.first?.contains("mode 755") == true)
    try store.close()
    chmod(directory.path, 0o700)
    store = try Store.open(at: directory.path)
    #expect(store.openReport.warnings.isEmpty)
    try store.close()
  }

  /// An operator's `kvd recover`, run as root, once left files behind that the service could not open.
  @Test(.enabled(if: isRoot, "only root gives files away"))
  func `what root makes in a store belongs to the owner of the store`() throws {
    let directory = TemporaryDirectory()
    chown(directory.path, Self.someone, Self.someone)
    var options = StoreOptions()
    options.segmentByteCount = 256 << 10
    var store = try Store.open(at: directory.path, options: options)
    try work(on: store)
    try store.close()
    unlink(directory.path + "/partition-0000/lock.mdb")
    unlink(directory.path + "/LOCK")
    store = try Store.open(at: directory.path, options: options)
    try work(on: store)
    try store.close()
    for path in try paths(under: directory.path) {
      #expect(try Files.status(of: path)?.st_uid == Self.someone, "\(path)")
      #expect(try Files.status(of: path)?.st_gid == Self.someone, "\(path)")
    }
  }

  @Test(.enabled(if: isRoot, "only root gives files away"))
  func `a salvaged store belongs to the owner of the damaged one`() throws {
    let directory = TemporaryDirectory()
    chown(directory.path, Self.someone, Self.someone)
    try Store.open(at: directory.path).close()
    let target = TemporaryDirectory()
    let new = target.path + "/new"
    let inspection = try StoreInspection(at: directory.path)
    var salvage = StoreSalvage(of: inspection)
    _ = try salvage.run(into: new) { index, start, take in
      var pieces: [UInt8] = []
      inspection.salvage(partition: index, from: start) { pieces += $0 }
      take(pieces[...])
      return 0
    }
    for path in try [new] + paths(under: new) {
      #expect(try Files.status(of: path)?.st_uid == Self.someone, "\(path)")
    }
  }

  @Test func `a file that is replaced is its owner's alone`() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/kvd.conf"
    try SmallFile.replace(path, with: [1])
    #expect(try Files.status(of: path).map { $0.st_mode & 0o777 } == 0o600)
    chmod(path, 0o644)
    try SmallFile.replace(path, with: [2])
    #expect(try Files.status(of: path).map { $0.st_mode & 0o777 } == 0o600)
    #expect(try SmallFile.contents(of: path) == [2])
  }
}
