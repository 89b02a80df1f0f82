import Base
import CLMDB
import Glibc

/// Creates and opens the file of an `LMDBEnvironment`.
enum LMDBFile {
  static let dataName = "data.mdb"
  static let lockName = "lock.mdb"

  /// If less space than this is free, a write error is taken as a full disk.
  static let fullDiskByteCount: UInt64 = 4 << 20

  /// The map size for creating a file; every open chooses its own.
  private static let creationMapByteCount = 16 << 20

  /// LMDB's handles of the databases, by `Database.rawValue`. Inline, so that a read retains no heap object.
  typealias Handles = InlineArray<3, MDB_dbi>

  /// Creates a partition's file in `directory`, and the directory if it does not exist. On return all of it
  /// is durable, including the directory entries: LMDB syncs only the file.
  ///
  /// - Returns: the file's byte count, below which it will never fall.
  /// - Throws: `.io` with `EEXIST` if there is a data file: nothing is ever overwritten.
  @discardableResult
  static func create(directory: String, identity: PartitionIdentity) throws(StoreError) -> UInt64 {
    try Files.makeDirectory(directory)
    let path = "\(directory)/\(dataName)"
    guard try !Files.exists(path) else {
      throw .io(IOError(errno: EEXIST, operation: "create", path: path))
    }
    // LMDB treats an empty file as a new one, and this one has the right owner.
    _ = try Files.open(path, O_RDWR | O_CREAT | O_EXCL, mode: Files.fileMode)
    let environment = try unsafe open(directory, mapByteCount: creationMapByteCount, maxReaders: 1)
    let code = unsafe fill(environment, identity)
    unsafe mdb_env_close(environment)
    guard code == MDB_SUCCESS else {
      throw LMDBStatus.error(code, operation: "create", path: path)
    }
    let file = try Files.open(path, O_RDWR)
    try Files.sync(file)
    try Files.syncDirectory(directory)
    try Files.syncDirectory("\(directory)/..")
    return UInt64(try Files.byteCount(of: file))
  }

  /// Creates the databases and their first entries, in one transaction.
  private static func fill(_ environment: OpaquePointer, _ identity: PartitionIdentity) -> Int32 {
    var transaction: OpaquePointer?
    var code = unsafe mdb_txn_begin(environment, nil, 0, &transaction)
    guard code == MDB_SUCCESS else { return code }
    var handles = Handles(repeating: 0)
    for database in Database.allCases {
      var handle: MDB_dbi = 0
      code = unsafe kvd_mdb_dbi_open(transaction, database.name, UInt32(MDB_CREATE), &handle)
      guard code == MDB_SUCCESS else { break }
      handles[database.rawValue] = handle
    }
    let applied = AppliedState(lsn: 0, sequence: 0)
    for (key, value) in [
      (MetaKey.identity, identity.encode()),
      (MetaKey.applied, applied.encode(seed: identity.storeID.checksumSeed)),
    ] where code == MDB_SUCCESS {
      code = unsafe RawTransaction(handle: transaction!).put(
        handles[Database.meta.rawValue], key.span.bytes, value.span.bytes)
    }
    guard code == MDB_SUCCESS else {
      unsafe mdb_txn_abort(transaction)
      return code
    }
    return unsafe kvd_mdb_txn_commit(transaction)
  }

  /// Opens LMDB on `directory`. Halves the map as often as address space runs out, which Linux reports as
  /// `ENOMEM` and valgrind as `EINVAL`.
  static func open(
    _ directory: String, mapByteCount: Int, maxReaders: Int, access: LMDBAccess = .exclusive
  ) throws(StoreError) -> OpaquePointer {
    var mapByteCount = mapByteCount
    if access == .exclusive { try reserveLockFile(directory, maxReaders: maxReaders) }
    // LMDB opens both files by name and follows links, and it opens the lock file for writing whatever the access. A
    // link that the service's user creates after this check is still followed: LMDB accepts no descriptors.
    for name in [dataName, lockName] { try Files.checkName("\(directory)/\(name)") }
    while true {
      var environment: OpaquePointer?
      var code = unsafe mdb_env_create(&environment)
      guard code == MDB_SUCCESS, let environment = unsafe environment else {
        throw LMDBStatus.error(code, operation: "open", path: directory)
      }
      unsafe kvd_mdb_guard(environment)
      _ = unsafe mdb_env_set_maxdbs(environment, MDB_dbi(Database.allCases.count))
      _ = unsafe mdb_env_set_maxreaders(environment, UInt32(maxReaders))
      _ = unsafe mdb_env_set_mapsize(environment, mapByteCount)
      code = unsafe mdb_env_open(
        environment, directory,
        UInt32(MDB_NOTLS | MDB_NORDAHEAD | access.flags | deliberateFlags),
        Files.fileMode)
      if code == MDB_SUCCESS { return unsafe environment }
      // LMDB's rule: close the handle after a failed open too.
      unsafe mdb_env_close(environment)
      guard code == ENOMEM || code == EINVAL, mapByteCount / 2 >= MapSize.floor else {
        throw LMDBStatus.error(code, operation: "open", path: "\(directory)/\(dataName)")
      }
      mapByteCount /= 2
    }
  }

  /// LMDB writes to the lock file through a map. If a full disk could not provide a block, SIGBUS would end
  /// the process, so all blocks are reserved first. (This process does not have the file open yet: closing
  /// this descriptor would drop its locks.)
  private static func reserveLockFile(
    _ directory: String, maxReaders: Int
  ) throws(StoreError) {
    let file = try Files.open(
      "\(directory)/\(lockName)", O_RDWR | O_CREAT, mode: Files.fileMode)
    try Files.reserve((maxReaders - 1) * readerSlotByteCount + lockHeaderByteCount, of: file)
  }

  /// `sizeof` LMDB's `MDB_reader`, and of the part of `MDB_txninfo` before the slots, on 64-bit Linux.
  private static let readerSlotByteCount = 64
  private static let lockHeaderByteCount = 192

  /// Zero except in builds with deliberate bugs.
  private static var deliberateFlags: Int32 {
    if DeliberateBug.opensLMDBWithoutSync.isOn { return MDB_NOSYNC }
    if DeliberateBug.opensLMDBWithoutMetaSync.isOn { return MDB_NOMETASYNC }
    return 0
  }

  /// Opens the databases, whose handles then serve every later transaction, and checks the file's identity.
  static func openDatabases(
    _ environment: OpaquePointer, path: String, expecting identity: PartitionIdentity
  ) throws(StoreError) -> Handles {
    var transaction: OpaquePointer?
    var code = unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction)
    guard code == MDB_SUCCESS else {
      throw LMDBStatus.error(code, operation: "open", path: path)
    }
    do throws(StoreError) {
      var handles = Handles(repeating: 0)
      for database in Database.allCases {
        var handle: MDB_dbi = 0
        code = unsafe kvd_mdb_dbi_open(transaction, database.name, 0, &handle)
        guard code != MDB_NOTFOUND else {
          throw .corrupted(
            Finding(file: path, expected: "the database \"\(database.name)\"", found: "none"))
        }
        guard code == MDB_SUCCESS else {
          throw LMDBStatus.error(code, operation: "open", path: path)
        }
        handles[database.rawValue] = handle
      }
      try unsafe checkIdentity(
        RawTransaction(handle: transaction!), handles[Database.meta.rawValue], path, identity)
      // LMDB's rule: the handles outlive the transaction only if it commits.
      code = unsafe kvd_mdb_txn_commit(transaction)
      guard code == MDB_SUCCESS else {
        throw LMDBStatus.error(code, operation: "open", path: path)
      }
      return handles
    } catch {
      unsafe mdb_txn_abort(transaction)
      throw error
    }
  }

  /// The address at which LMDB has mapped the file, or 0 if it cannot be determined: LMDB does not expose it.
  ///
  /// LMDB does return a pointer into the map, to a record in the main database. If that database's tree is
  /// one page deep, the meta page has the number of the page to which the pointer leads.
  static func mapAddress(_ environment: OpaquePointer, path: String) -> UInt {
    var transaction: OpaquePointer?
    guard unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction) == MDB_SUCCESS,
      let transaction = unsafe transaction
    else { return 0 }
    defer { unsafe mdb_txn_abort(transaction) }
    guard let record = unsafe MappedTree.record(of: .data, in: transaction),
      let file = try? Files.open(path, O_RDONLY),
      let meta = try? DataFileInspection.newestMetaPage(file),
      unsafe meta.transactionID == mdb_txn_id(transaction), meta.mainDepth == 1,
      // A map begins at a multiple of the system's page size, and so do these pages in it.
      meta.pageByteCount <= sysconf(Int32(_SC_PAGESIZE))
    else { return 0 }
    let pageByteCount = UInt(meta.pageByteCount)
    let page = UInt(bitPattern: record.baseAddress) & ~(pageByteCount - 1)
    return page - UInt(meta.mainRoot) * pageByteCount
  }

  private static func checkIdentity(
    _ transaction: RawTransaction, _ meta: MDB_dbi, _ path: String, _ expected: PartitionIdentity
  ) throws(StoreError) {
    let (code, bytes) = unsafe MetaKey.identity.withBytes { unsafe transaction.get(meta, $0) }
    guard code == MDB_SUCCESS || code == MDB_NOTFOUND else {
      throw LMDBStatus.error(code, operation: "read", path: path)
    }
    let found = try unsafe PartitionIdentity.decode(bytes.bytes, file: path)
    guard found == expected else {
      throw .corrupted(
        Finding(file: path, expected: expected.description, found: found.description))
    }
  }
}
