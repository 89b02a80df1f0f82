import Base
import TxnWAL

@testable import KVStore

/// A partition's file in a directory of its own.
struct PartitionFixture {
  let directory = TemporaryDirectory()
  let identity = PartitionIdentity(storeID: StoreID(low: 1, high: 2), partitionIndex: 3)

  var path: String { "\(directory.path)/data.mdb" }

  init() throws {
    try LMDBFile.create(directory: directory.path, identity: identity)
  }

  func open(
    identity: PartitionIdentity? = nil, leastByteCount: UInt64 = 0, mapByteCount: Int? = nil
  ) throws(StoreError) -> LMDBEnvironment {
    try LMDBEnvironment(
      directory: directory.path, identity: identity ?? self.identity,
      leastByteCount: leastByteCount, partitionCount: 8, mapByteCount: mapByteCount,
      maxReaders: 8)
  }

  /// The partition of an environment that `open` returned.
  func partition(of environment: LMDBEnvironment) throws(StoreError) -> Partition {
    try Partition(
      index: 0, environment: environment, hash: KeyHash(seed: 1),
      budget: MemoryBudget(byteCount: 1 << 20, partitionCount: 1), onSeal: { _ in })
  }

  /// Opens the file for one write transaction.
  func write(_ body: (inout WriteTransaction) throws(StoreError) -> Void) throws(StoreError) {
    try open().write(body)
  }
}

extension LMDBEnvironment {
  func write(_ body: (inout WriteTransaction) throws(StoreError) -> Void) throws(StoreError) {
    var transaction = try beginWrite()
    try body(&transaction)
    try transaction.commit()
  }

  func value(of key: [UInt8], in database: Database = .data) throws(StoreError) -> [UInt8]? {
    if database == .data { return try makeReader().withValue(of: key) { copy($0) } }
    return try makeReader().withRecord(of: key, in: database) { copy($0) }
  }
}

extension ReadTransaction {
  func withValue<R>(
    of storedKey: [UInt8], _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withValue(of: EntryAddress(storedAs: storedKey.rawSpan), body)
  }
}

extension Cursor {
  mutating func last() throws(StoreError) -> Bool {
    try seekBackward([UInt8](repeating: 0xFF, count: StoredKey.byteLimit))
  }
}

/// The keys that `next` and `previous` find from where the cursor is, in the order they are found.
func keys(_ cursor: inout Cursor, _ isEntry: Bool, forward: Bool) throws(StoreError) -> [[UInt8]] {
  var keys: [[UInt8]] = []
  var isEntry = isEntry
  while isEntry {
    keys.append(cursor.withEntry { key, _ in Array(copying: key) })
    isEntry = forward ? try cursor.next() : try cursor.previous()
  }
  return keys
}

/// The finding of a `.corrupted` that `body` throws.
func finding(_ body: () throws -> Void) -> Finding? {
  do {
    try body()
  } catch StoreError.corrupted(let finding) {
    return finding
  } catch {
    return nil
  }
  return nil
}

func copy(_ bytes: RawSpan?) -> [UInt8]? {
  guard let bytes else { return nil }
  return Array(copying: bytes)
}
