import Foundation
import Glibc
import Testing

@testable import KVStore

// Swift's Glibc leaves <sys/fsuid.h> out.
@_silgen_name("setfsuid") private func setfsuid(_ user: uid_t) -> Int32

@Suite struct PermissionTests {
  @Test(arguments: [
    "LOCK", "MANIFEST", "log", "log/control", "partition-0001", "partition-0001/data.mdb",
    "partition-0001/lock.mdb",
  ])
  func `what this user may not open is named, and the store is left as it was`(name: String) throws
  {
    let directory = TemporaryDirectory()
    var options = StoreOptions()
    options.partitionCount = 2
    options.segmentByteCount = 256 << 10
    do {
      let store = try Store.open(at: directory.path, options: options)
      try store.put([1], [2])
      try store.close()
    }
    // All is everybody's but for one file or folder, which is nobody's.
    let manager = FileManager.default
    for inner in try manager.subpathsOfDirectory(atPath: directory.path) {
      chmod(directory.path + "/" + inner, 0o777)
    }
    chmod(directory.path, 0o777)
    let path = directory.path + "/" + name
    chmod(path, 0)
    let refusal = try #require(
      throws: StoreError.self,
      performing: {
        try Self.asNobody { _ = try Store.open(at: directory.path, options: options) }
      })
    guard case .io(let failure) = refusal, failure.errno == EACCES, failure.operation == "open"
    else {
      Issue.record("\(refusal)")
      return
    }
    #expect(failure.path == path || failure.path.hasPrefix(path + "/"))
    #expect(refusal.description.contains("Permission denied"))
    #expect(refusal.description.contains("grant this user read and write permission there"))

    chmod(path, 0o777)
    let store = try Self.asNobody { try Store.open(at: directory.path, options: options) }
    #expect(try store.get([1]) == [2])
    try store.close()
  }

  /// Runs `body` with the rights of a user who owns nothing, if the tests have root's: modes mean
  /// nothing to root. Linux keeps this id, unlike the others, for each thread; setfsuid(2).
  private static func asNobody<R>(_ body: () throws -> R) rethrows -> R {
    let before = setfsuid(65534)
    defer { _ = setfsuid(uid_t(before)) }
    return try body()
  }
}
