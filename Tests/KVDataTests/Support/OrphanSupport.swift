import Glibc

@testable import KVData
@testable import KVStore

extension DataFixture {
  /// Returns when all is in LMDB and range deletes have been carried out.
  func waitUntilPurged() throws { try store.waitUntilPurged() }

  /// Removes all that range deletes have left of maps.
  func removeOrphans() throws { try store.removeOrphans() }

  /// What the files hold, what is hidden or deleted in memory included.
  func storedEntryCount() throws -> Int { try store.statistics().storedEntryCount }

  func orphans() throws -> [Orphan] {
    let reader = store.makeReader()
    defer { reader.close() }
    return try store.orphans(behind: [], limit: .max, with: reader)
  }
}

extension Store {
  func waitUntilPurged() throws {
    try checkpoint()
    while partitionSet.partitions.contains(where: { !$0.layers.tombstones.isEmpty }) {
      if let poisoned { throw poisoned }
      usleep(1000)
    }
  }

  func removeOrphans() throws {
    let reader = makeReader()
    defer { reader.close() }
    var removal = OrphanRemoval(self)
    while true {
      switch try removal.removePortion(reader) {
      case .more: break
      case .mustWait: try waitUntilPurged()
      case .atEnd: return
      }
    }
  }
}
