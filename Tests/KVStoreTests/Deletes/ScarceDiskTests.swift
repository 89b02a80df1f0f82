import Foundation
import Glibc
import Testing

@testable import KVStore

/// Range deletes on a disk that has little room left: they are applied at once, since it is they that free some.
@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct ScarceDiskTests {
  private let disk: SmallDisk
  private var options = StoreOptions.small(partitionCount: 2)

  init() throws {
    disk = try SmallDisk(byteCount: 64 << 20)
    options.applyThreadCount = 2
  }

  private func seal(_ partition: Partition, of store: Store) {
    store.coordinator.sequence { _ in partition.seal() }
  }

  /// With each memtable that was applied in one partition, another was sealed in all others that had range deletes, also
  /// where none could be applied: every read passes through all of them.
  @Test func `sealed memtables do not pile up where one is on its way`() throws {
    let store = try Store.open(at: disk.path + "/data", options: options)
    try disk.fill(leaving: 3 << 20)
    let (slow, quick) = (store.partitionSet.partitions[0], store.partitionSet.partitions[1])
    // Keeps the file of the slow one from being written.
    let transaction = try slow.environment.beginWrite()
    for number in 0..<12 {
      try store.deleteRange(.prefix(bytes("k\(number) ")))
      seal(quick, of: store)
      while !quick.layers.sealed.isEmpty { usleep(1000) }
      #expect(slow.layers.sealed.count <= 1)
    }
    _ = consume transaction
    // What waited is applied with the next memtable, though nobody writes any more.
    while store.isPurging { usleep(1000) }
    disk.empty()
    try store.close()
  }

  /// The disk was asked each time that a memtable had been applied, and at no other time.
  @Test func `a range delete that comes while nothing is on its way is carried out`() throws {
    let store = try Store.open(at: disk.path + "/data", options: options)
    for number in 0..<100 { try store.put(bytes("k\(number)"), [1]) }
    try store.checkpoint()
    try disk.fill(leaving: 3 << 20)
    try store.deleteRange(.prefix(bytes("k")))
    // So long that only what never comes is missed.
    for _ in 0..<6000 where store.isPurging { usleep(5000) }
    #expect(!store.isPurging)
    disk.empty()
    try store.close()
  }

  /// Only the disk of the store itself was asked.
  @Test func `a partition on another disk that has little room counts`() throws {
    let directory = TemporaryDirectory()
    try Store.open(at: directory.path, options: options).close()
    let (path, moved) = (directory.path + "/partition-0001", disk.path + "/partition-0001")
    try FileManager.default.moveItem(atPath: path, toPath: moved)
    symlink(moved, path)
    try disk.fill(leaving: 3 << 20)
    let store = try Store.open(at: directory.path, options: options)
    for number in 0..<100 { try store.put(bytes("k\(number)"), [1]) }
    try store.deleteRange(.prefix(bytes("k")))
    // So long that only what never comes is missed.
    let short = store.partitionSet.partitions[1]
    for _ in 0..<6000 where !short.layers.tombstones.isEmpty { usleep(5000) }
    #expect(short.layers.tombstones.isEmpty)
    // The other's disk has room enough.
    #expect(!store.partitionSet.partitions[0].layers.tombstones.isEmpty)
    try store.close()
  }
}
