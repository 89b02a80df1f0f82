import Foundation
import KVStore

/// kvd, in its default durability, `.sync`, and its default memory.
final class KvdEngine: Engine {
  private let store: Store

  init(path: String, _ settings: EngineSettings) throws {
    var options = StoreOptions()
    options.partitionCount = settings.partitionCount
    if settings.unappliedByteLimit > 0 {
      options.memoryByteCount = settings.unappliedByteLimit
      options.logByteLimit = settings.unappliedByteLimit
    }
    store = try Store.open(at: path, options: options)
  }

  func makeWriter() -> Writer { Writer(store: store) }
  func makeReader() -> Reader { Reader(reader: store.makeReader()) }

  struct Writer: EngineWriter {
    let store: Store

    func commit(_ entries: Entries) throws {
      if entries.keys.count == 1 {
        try store.put(entries.keys[0], entries.values[0])
        return
      }
      var batch = Batch()
      for place in entries.keys.indices {
        try batch.put(entries.keys[place], entries.values[place])
      }
      // Chosen by name, because the suspending one has the same: these threads are the program's own.
      let commit: (Batch) throws(StoreError) -> SequenceNumber = store.commit
      _ = try commit(batch)
    }
  }

  /// `end` lets go of the view after each read, as a thread does that may have to wait for the next.
  struct Reader: EngineReader {
    let reader: KVStore.Reader

    @inline(__always)
    func withValue<R>(of key: [UInt8], _ body: (RawSpan?) -> R) throws -> R {
      defer { reader.end() }
      return unsafe try reader.withValue(of: key.span.bytes) { value throws(StoreError) in
        body(value)
      }
    }
  }

  func scan(_ body: (RawSpan, RawSpan) throws -> Void) throws {
    let snapshot = try store.snapshot()
    defer { snapshot.close() }
    var failure: (any Error)?
    try snapshot.scan(.everything) { key, value throws(StoreError) in
      do {
        try body(key, value)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
  }

  func deleteRange(from lower: [UInt8], to upper: [UInt8]) throws {
    try store.deleteRange(KeyRange(from: lower, to: upper))
  }

  /// The checkpoint sends the range delete down, where it is carried out.
  func finishDeletes() throws {
    try store.checkpoint()
    while try store.statistics().tombstoneCount > 0 { Sleeping.sleep(nanoseconds: 5_000_000) }
  }

  func settle() throws { try store.checkpoint() }

  func logByteCount() throws -> Int {
    let statistics = try store.statistics()
    return Int(statistics.durableLSN - statistics.checkpointLSN)
  }

  func close() throws { try store.close() }
}
