import Base
import Foundation
import KVData
import Testing

@testable import KVStore

/// A process that ends at any place of a range delete over maps, of apply, or of the removal of what is left.
struct OrphanCrashTests {
  private static let points: [CrashPoint] = [
    .groupAfterSync, .groupAfterPublish, .applyBeforeTransaction, .applyBeforeCommit,
    .applyAfterCommit,
    .applyBeforeDrop, .applyAfterDrop, .purgeBeforeChunk, .purgeBeforePosition,
    .purgeBeforeTombstoneRemoval, .purgeBeforeCommit, .purgeAfterCommit, .purgeAfterDrop,
    .batchBuffered, .intentBuffered, .markerBuffered,
  ]

  private static func options() -> StoreOptions {
    var options = StoreOptions()
    options.partitionCount = 4
    options.segmentByteCount = 256 << 10
    options.memoryByteCount = 8 << 20
    options.applyEntryLimit = 2
    options.purgeKeyLimit = 3
    return options
  }

  private static func rename(_ key: String, to target: String, _ store: Store) throws {
    let receipt = try store.admitAndEvaluate(byteCount: 1000) { evaluation throws(StoreError) in
      _ = try Records.rename(bytes(key).rawSpan, to: bytes(target).rawSpan, in: &evaluation)
    }.receipt
    try store.waitUntilDurable(receipt)
  }

  /// In a process of its own.
  private static func work(_ path: String) throws {
    let store = try Store.open(at: path, options: options())
    for number in 0..<12 {
      let map = OrderedMap(at: bytes("m:\(number)"), in: store)
      _ = try map.set((0..<4).map { (field: bytes("f\($0)"), value: [1]) })
      _ = try map.set(bytes("g"), [2])
      if number == 6 { store.seal() }
    }
    for number in 3..<6 { try rename("m:\(number)", to: "n:\(number)", store) }
    try store.deletePrefix(bytes("m:"))
    _ = try OrderedMap(at: bytes("m:1"), in: store).set(bytes("new"), [3])
    try store.waitUntilPurged()
    try store.removeOrphans()
    try store.waitUntilPurged()
    try store.close()
  }

  @Test(arguments: points.map(\.rawValue), [1, 3, 8, 20])
  func `after a crash nothing is left, and nothing else is gone`(
    point: String, pass: Int
  ) async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "kvd-\(UUID().uuidString)")
      .path
    defer { try? FileManager.default.removeItem(atPath: path) }
    // Where it does not come so often to that place it ends by itself.
    await #expect(processExitsWith: .success) {
      [path = path as String, point = point as String, pass = pass as Int] in
      let left = CrashCountdown(pass)
      CrashPoint.setHandler { if $0.rawValue == point, left.isLast() { exit(0) } }
      try Self.work(path)
    }
    let store = try Store.open(at: path, options: Self.options())
    defer { try? store.close() }
    func fieldCount(_ key: String) throws -> Int {
      try OrderedMap(at: bytes(key), in: store).count()
    }
    let isDeleted = try fieldCount("m:0") == 0
    try store.waitUntilPurged()
    try store.removeOrphans()
    try store.waitUntilPurged()
    var expected = 0
    for key in (0..<12).flatMap({ ["m:\($0)", "n:\($0)"] }) {
      let map = OrderedMap(at: bytes(key), in: store)
      #expect(try map.contents().count == map.count())
      expected += try map.count()
    }
    #expect(try store.scan(.everything, in: .owned).count == expected)
    if isDeleted, try fieldCount("n:5") > 0 {
      for number in 3..<6 { #expect(try fieldCount("n:\(number)") == 5) }
    }
  }
}

/// Sound as `@unchecked Sendable`: one lock.
private final class CrashCountdown: @unchecked Sendable {
  private let lock = NSLock()
  private var left: Int

  init(_ left: Int) { self.left = left }

  func isLast() -> Bool {
    lock.withLock {
      left -= 1
      return left == 0
    }
  }
}
