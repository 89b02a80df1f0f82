import Base
import CLMDB
import Glibc
import Synchronization

/// One partition's LMDB file, open.
///
/// Opened with full sync: LMDB writes data, calls `fdatasync`, then writes a meta page through an `O_DSYNC`
/// descriptor, so what it has committed survives power loss. Without WRITEMAP, a full disk is an error and
/// never SIGBUS. Two flags are set:
///
/// - `MDB_NOTLS`: a reader slot belongs to a read transaction instead of a thread, so that transactions can
///   be pooled, and one thread can have several.
/// - `MDB_NORDAHEAD`: with read-ahead, point reads of data larger than memory would also read pages that were
///   not requested. The price is that a cold scan reads page by page.
///
/// `@unchecked Sendable` is sound because the handles never change after `init`, LMDB protects its own state,
/// and the rest is in a `Lock` or an `Atomic`.
@safe
final class LMDBEnvironment: @unchecked Sendable {
  let directory: String
  let identity: PartitionIdentity
  let path: String

  /// Seeds the checksums of everything in the file.
  let checksumSeed: UInt32

  private let environment: OpaquePointer
  private let handles: LMDBFile.Handles
  /// Nil once closed.
  private let claim: Lock<OpenEnvironments.Claim?>
  /// The number of live transactions, plus one until `close`. The file is closed when it reaches zero.
  private let holdCount = Atomic<Int>(1)
  private let isClosed = Atomic<Bool>(false)
  private let pageByteCount: Int
  /// The address at which the file is mapped; 0 if unknown.
  private let mapAddress: Atomic<UInt>
  private let syncedByteCount: Atomic<UInt64>
  private let poison = Lock<StoreError?>(nil)
  private let damageFound = Lock<StoreError?>(nil)
  private let hasDamage = Atomic<Bool>(false)
  private let corruptedReads = Atomic<Int>(0)
  let damageLog = DamageLog()
  private let writerGate = WriterGate()
  private let hasAbandonedWrite = Atomic<Bool>(false)
  private let staleReaders = Atomic<Int>(0)

  /// Opens what `LMDBFile.create` made.
  ///
  /// - Parameters:
  ///   - leastByteCount: the file's size as recorded in the manifest.
  ///   - partitionCount: how many environments share the process's address space.
  ///   - mapByteCount: the map's size, instead of one larger than ever needed; tests make it tiny.
  ///   - maxReaders: reader slots, one for each read transaction that is active or reset.
  ///   - access: anything but `.exclusive` is for tools.
  /// - Throws: `.corrupted` for a file that is missing, truncated, damaged or another partition's; damage
  ///   that LMDB would not survive is detected before LMDB opens the file. `.locked` if this process has it
  ///   open, or another one in a conflicting way.
  init(
    directory: String, identity: PartitionIdentity, leastByteCount: UInt64 = 0,
    partitionCount: Int, mapByteCount: Int? = nil, maxReaders: Int,
    access: LMDBAccess = .exclusive
  ) throws(StoreError) {
    let path = "\(directory)/\(LMDBFile.dataName)"
    let newest = try DataFileInspection.inspect(path, leastByteCount: leastByteCount)
    let preferred = MapSize.preferred(
      fileSystemByteCount: try Files.space(at: directory).total,
      partitionCount: partitionCount)
    let claim = try OpenEnvironments.claim(try Files.open(path, O_RDONLY), access)
    let opened = try unsafe LMDBFile.open(
      directory, mapByteCount: max(mapByteCount ?? preferred, Int(newest.end)),
      maxReaders: maxReaders, access: access)
    do throws(StoreError) {
      handles = try unsafe LMDBFile.openDatabases(opened, path: path, expecting: identity)
    } catch {
      unsafe mdb_env_close(opened)
      throw error
    }
    unsafe environment = opened
    mapAddress = unsafe Atomic(LMDBFile.mapAddress(opened, path: path))
    self.directory = directory
    self.identity = identity
    pageByteCount = newest.pageByteCount
    syncedByteCount = Atomic(leastByteCount)
    self.path = path
    self.claim = Lock(claim)
    checksumSeed = identity.storeID.checksumSeed
  }

  deinit {
    close()
  }

  /// Refuses new transactions, and closes the file as soon as none is alive, not even a reset one. May be
  /// called again.
  ///
  /// LMDB's rule: closing the file under a live transaction unmaps the memory that the transaction reads.
  func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    transactionEnded()
  }

  // MARK: Transactions

  /// Begins a write transaction. LMDB allows one at a time, so this waits until the current one has ended.
  ///
  /// It must end on the thread that began it: the writer's lock is a robust mutex.
  ///
  /// - Throws: `.poisoned` after a failed sync, until the file is opened again; `.corrupted` once the tree of
  ///   pages was found damaged, because a write would spread the damage.
  func beginWrite() throws(StoreError) -> WriteTransaction {
    writerGate.enter()
    let handle: OpaquePointer
    do throws(StoreError) {
      if let poisoned { throw poisoned }
      if let damage { throw damage }
      unsafe handle = try begin(flags: 0)
    } catch {
      writerGate.leave()
      throw error
    }
    let transaction = unsafe WriteTransaction(environment: self, handle: handle)
    try noteByteCount()
    return transaction
  }

  /// Called when the handle of a write transaction is freed: lets the next one begin.
  func writeTransactionEnded() {
    writerGate.leave()
    transactionEnded()
  }

  /// Called instead of `writeTransactionEnded` for a transaction that must not even be aborted. It keeps
  /// LMDB's writer lock and its memory until the process ends, and the file open. The damage was recorded
  /// before, so no thread asks for that lock again.
  func writeTransactionAbandoned() {
    OpenEnvironments.keep(self)
    writerGate.leave()
  }

  /// Whether an LMDB assertion failed in the middle of a change. There is one write transaction at a time,
  /// and none afterwards, so this is about the current one.
  var isWriteAbandoned: Bool { hasAbandonedWrite.load(ordering: .acquiring) }

  /// The length that the file has at least, even after a power loss.
  ///
  /// The current length is not safe: a transaction that is being committed extends the file before it syncs
  /// it, and a power loss makes it short again.
  var durableByteCount: UInt64 { syncedByteCount.load(ordering: .acquiring) }

  /// Called at the beginning of a write transaction, when all others have ended and are synced. Bytes after
  /// the last committed page may be left over from a transaction that was cut off, so they do not count.
  ///
  /// The size is read from the open file, not by name. The file may have got further names meanwhile, as by
  /// `cp -al`; root does not open such a file, and the write would fail.
  private func noteByteCount() throws(StoreError) {
    let committed = unsafe (info.me_last_pgno + 1) * pageByteCount
    let byteCount = try claim.withLock {
      (claim: inout OpenEnvironments.Claim?) throws(StoreError) in
      try claim?.byteCount()
    }
    guard let byteCount else { throw .closed }
    let durable = UInt64(min(committed, byteCount))
    syncedByteCount.max(durable, ordering: .acquiringAndReleasing)
  }

  /// Begins a read transaction, a view of the file as it is now. Keep it and use it again: `reset` and
  /// `renew` are cheap, this takes a lock.
  ///
  /// - Throws: `.readersFull` if every slot is taken by a live reader.
  func makeReader() throws(StoreError) -> ReadTransaction {
    do throws(StoreError) {
      return try beginRead()
    } catch  where error.isReadersFull {
      clearStaleReaders()
    }
    do throws(StoreError) {
      return try beginRead()
    } catch  where error.isReadersFull {
      throw .readersFull(path: path, limit: unsafe Int(info.me_maxreaders))
    }
  }

  private func beginRead() throws(StoreError) -> ReadTransaction {
    try unsafe ReadTransaction(environment: self, handle: begin(flags: UInt32(MDB_RDONLY)))
  }

  private func begin(flags: UInt32) throws(StoreError) -> OpaquePointer {
    try hold()
    var transaction: OpaquePointer?
    let code = unsafe mdb_txn_begin(environment, nil, flags, &transaction)
    guard code == MDB_SUCCESS, let transaction = unsafe transaction else {
      transactionEnded()
      throw failure(code, "begin a transaction on")
    }
    return unsafe transaction
  }

  /// The key tree that an active read transaction sees; nil if only LMDB can walk it.
  func mappedTree(in transaction: OpaquePointer) -> MappedTree? {
    unsafe MappedTree(
      .data, in: transaction, map: mapAddress.load(ordering: .acquiring),
      pageByteCount: pageByteCount, pageLimit: UInt64(info.me_last_pgno) + 1)
  }

  private func hold() throws(StoreError) {
    var count = holdCount.load(ordering: .acquiring)
    while count > 0, !isClosed.load(ordering: .acquiring) {
      let (exchanged, original) = holdCount.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .acquiringAndReleasing)
      if exchanged { return }
      count = original
    }
    throw .closed
  }

  /// Called when the handle of a transaction is freed.
  func transactionEnded() {
    let left = holdCount.subtract(1, ordering: .acquiringAndReleasing).newValue
    if left > 0 { return }
    unsafe mdb_env_close(environment)
    claim.withLock { $0 = nil }
  }

  func handle(of database: Database) -> MDB_dbi { handles[database.rawValue] }

  // MARK: Failure

  /// Why write transactions are refused; nil if they are not.
  var poisoned: StoreError? { poison.withLock { $0 } }

  /// Translates an LMDB status. Poisons the environment if the status means that a write was lost.
  func failure(_ code: Int32, _ operation: String) -> StoreError {
    let error = LMDBStatus.error(code, operation: operation, path: path)
    if code == KVD_MDB_ABANDONED { hasAbandonedWrite.store(true, ordering: .releasing) }
    if case .corrupted = error { noteDamage(error) }
    guard LMDBStatus.poisons(code) else { return error }
    // LMDB reports a short write, which is how a disk fills up, as EIO too. That transaction is aborted and
    // the next one writes all of its pages again, so nothing depends on what was lost.
    if code == EIO, let space = try? Files.space(at: directory),
      space.available < LMDBFile.fullDiskByteCount
    {
      return .diskFull(IOError(noSpaceTo: "write", path))
    }
    poison.withLock {
      if $0 == nil { $0 = .poisoned(because: "LMDB failed to \(operation) \(path)") }
    }
    return error
  }

  /// The damage that was found in the tree of pages, if any. Reads continue where they can.
  var damage: StoreError? { isDamaged ? damageFound.withLock { $0 } : nil }

  /// The error with which writes are refused because of `damage`.
  var readOnlyRefusal: StoreError? { damage.map { .readOnly(path: path, because: "\($0)") } }

  /// Whether `damage` is not nil.
  var isDamaged: Bool { hasDamage.load(ordering: .acquiring) }

  /// The error for a view in which a read has failed: LMDB answers nothing more in it.
  var failedView: StoreError {
    damage ?? .lmdb(code: MDB_BAD_TXN, operation: "read", path: path)
  }

  private func noteDamage(_ error: StoreError) {
    noteCorruptedRead()
    damageFound.withLock { if $0 == nil { $0 = error } }
    hasDamage.store(true, ordering: .releasing)
  }

  /// Counts a read that met a damaged value.
  func noteDamagedValue(_ error: StoreError, at address: EntryAddress) {
    noteCorruptedRead()
    if case .corrupted(let finding) = error {
      damageLog.note(finding)
    } else {
      damageLog.note(
        Finding(
          file: path, at: address, expected: "a value that this build can read",
          found: "\(error)"))
    }
  }

  /// Counts a read that met damage.
  func noteCorruptedRead() { corruptedReads.add(1, ordering: .relaxed) }

  /// How many reads have met damage since the file was opened.
  var corruptedReadCount: Int { corruptedReads.load(ordering: .relaxed) }

  // MARK: Upkeep

  /// Doubles the map after `MDB_MAP_FULL`.
  ///
  /// LMDB's rule: no transaction may be active in this process, neither read nor write (reset ones may
  /// exist), and none may begin meanwhile. The caller must ensure this.
  func growMap() throws(StoreError) {
    let wanted = mapByteCount * 2
    // LMDB unmaps before it maps: if mapping failed, there would be no map at all. So try it first.
    let probe = unsafe mmap(
      nil, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard unsafe probe != MAP_FAILED else {
      throw .io(IOError(errno: errno, operation: "grow the map of", path: path))
    }
    unsafe munmap(probe, wanted)
    mapAddress.store(0, ordering: .releasing)
    let code = unsafe mdb_env_set_mapsize(environment, wanted)
    guard code == MDB_SUCCESS else { throw failure(code, "grow the map of") }
    unsafe mapAddress.store(LMDBFile.mapAddress(environment, path: path), ordering: .releasing)
  }

  /// Frees the reader slots of dead processes. Returns their number.
  @discardableResult
  func clearStaleReaders() -> Int {
    var count: Int32 = 0
    _ = unsafe mdb_reader_check(environment, &count)
    staleReaders.add(Int(count), ordering: .relaxed)
    return Int(count)
  }

  /// How many reader slots of dead processes were freed since the file was opened.
  var staleReaderCount: Int { staleReaders.load(ordering: .relaxed) }

  var mapByteCount: Int { unsafe info.me_mapsize }

  var info: MDB_envinfo {
    var info = unsafe MDB_envinfo()
    _ = unsafe mdb_env_info(environment, &info)
    return unsafe info
  }
}
