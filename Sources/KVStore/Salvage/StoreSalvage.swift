import Base
import Glibc
import TxnWAL

/// Copies what can still be read of a damaged store into a new one: the entries of the partitions, then what
/// the log holds beyond them. The damaged store is not changed.
///
/// The order of the log is kept, and what a partition has applied is not applied again. A transaction that
/// has lost a part is copied without that part: its atomicity is what salvage gives up.
public struct StoreSalvage {
  private static let batchByteCount = 4 << 20
  /// How often the reader of a partition may die.
  private static let attemptLimit = 2000

  private let inspection: StoreInspection
  private var report = SalvageReport()
  private var target: Store?
  private var batch = Batch()
  private var applied: [UInt64] = []
  /// The greatest sequence read anywhere.
  private var greatestSequence: SequenceNumber = 0
  /// Where the next reader continues if the present one dies.
  private var start = SalvageStart()

  /// Creates a salvage of the store that `inspection` reads.
  public init(of inspection: StoreInspection) {
    self.inspection = inspection
  }

  /// Copies into a new store at `path`; if that is nil, only reports what would be copied.
  ///
  /// - Parameter partition: reads a partition and passes on what `StoreInspection.salvage(partition:)` wrote.
  ///   Returns the exit status of the process that did so, or the negated number of the signal that ended it.
  public mutating func run(
    into path: String?,
    partition: (
      _ index: Int, _ start: SalvageStart, _ take: (ArraySlice<UInt8>) -> Void
    ) -> Int32
  ) throws(StoreError) -> SalvageReport {
    let directory = try lockDirectory()
    defer { directory?.release() }
    // Shared, because the processes that read the partitions may need them too (`LMDBAccess.quiet`).
    let files = try DataFileLocks(
      .shared, of: inspection.manifest, in: inspection.path, passing: true)
    defer { files.release() }
    if let path { target = try makeTarget(at: path) }
    do throws(StoreError) {
      for index in 0..<inspection.partitionCount {
        try copyPartition(index, reading: partition)
      }
      try copyLog()
      try flush()
    } catch {
      try? target?.close()
      throw error
    }
    try target?.close()
    if let path { try raiseSequence(of: path) }
    return report
  }

  /// No process may write meanwhile. If the lock cannot be taken for another reason, such as a read-only file
  /// system or a missing permission, the locks on the data files have to do.
  private func lockDirectory() throws(StoreError) -> DirectoryLock? {
    do throws(StoreError) {
      return try DirectoryLock(directory: inspection.path)
    } catch {
      if case .locked = error { throw error }
      return nil
    }
  }

  private func makeTarget(at path: String) throws(StoreError) -> Store {
    if try Files.exists(path), try !Files.names(in: path).isEmpty {
      throw .io(IOError(errno: 17, operation: "create a store in", path: path))
    }
    try makeDirectory(path)
    var options = StoreOptions()
    options.partitionCount = inspection.partitionCount
    options.segmentByteCount = Int(inspection.manifest.segmentByteCount)
    options.sequenceAtCreation = sequenceBehindAll
    let store = try Store.open(at: path, options: options)
    try store.manifest.setMarks(inspection.manifest.marks)
    return store
  }

  /// The directory gets the owner of the damaged store, whichever user runs this. A symbolic link at `path`
  /// is not followed, because that owner may have put it there.
  private func makeDirectory(_ path: String) throws(StoreError) {
    try Files.makeDirectory(path)
    guard let former = try Files.status(of: inspection.path) else { return }
    // With a trailing slash a link would be followed all the same.
    var name = path[...]
    while name.count > 1, name.last == "/" { name.removeLast() }
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    Files.give(try Files.open(String(name), flags), to: former)
  }

  // MARK: Sequences

  /// How far the sequences of a copy begin after those of its original: a log has fewer batches than that.
  private static let sequenceGap: SequenceNumber = 1 << 40

  /// A sequence greater than that of any batch in the damaged store. Owners are identified by sequences, and
  /// those of copied ones must not be given out again. The log's control file has the sequence of its
  /// checkpoint, and fewer batches follow it than a log has bytes. Without that file, this is a sequence that
  /// no store reaches by itself. (A store salvaged in that way begins with it: see `raiseSequence`.)
  private var sequenceBehindAll: SequenceNumber {
    if let log = try? inspection.log() { log.summary.sequence + Self.sequenceGap } else { 1 << 54 }
  }

  /// Makes the copy continue after every sequence that was met while it was made, if it would not do so
  /// anyway. The sequences of its own batches may be lower, because those create no owners.
  private func raiseSequence(of path: String) throws(StoreError) {
    let directory = try DirectoryLock(directory: path)
    defer { directory.release() }
    let copy = try StoreInspection(at: path)
    let files = try DataFileLocks(.exclusive, of: copy.manifest, in: path)
    defer { files.release() }
    // Valid sequences are below 2^56, whatever was read.
    let sequence = min(greatestSequence, 1 << 55) + Self.sequenceGap
    try translatingLogErrors { () throws(LogError) in
      try LogSequence.raise(
        to: sequence, on: try DirectoryDevice(path: StoreOpening.logPath(in: path)))
    }
  }

  // MARK: Partitions

  private mutating func copyPartition(
    _ index: Int, reading: (Int, SalvageStart, (ArraySlice<UInt8>) -> Void) -> Int32
  ) throws(StoreError) {
    applied.append(0)
    start = SalvageStart()
    for _ in 0..<Self.attemptLimit {
      let (status, isWhole) = try readPartition(index, reading: reading)
      if status == 0 && isWhole { return }
      guard status < 0 else {
        report.lose("partition \(index): its reader exited with status \(status)")
        return
      }
      // It died of what it read: the next reader continues after that.
      start.place += 1
    }
    report.lose(
      "partition \(index): all keys after \(start.after.map { Finding.printable($0) } ?? "the beginning")"
    )
  }

  private mutating func readPartition(
    _ index: Int, reading: (Int, SalvageStart, (ArraySlice<UInt8>) -> Void) -> Int32
  ) throws(StoreError) -> (status: Int32, isWhole: Bool) {
    var received: [UInt8] = []
    var isWhole = false
    var failure: StoreError?
    let status = reading(index, start) { chunk in
      received += chunk
      var rest = received[...]
      while failure == nil, let (piece, byteCount) = SalvagedPiece.decode(rest) {
        rest = rest.dropFirst(byteCount)
        do throws(StoreError) {
          isWhole = try take(piece, of: index)
        } catch {
          failure = error
        }
      }
      if rest.count < received.count { received = Array(rest) }
    }
    if let failure { throw failure }
    return (status, isWhole)
  }

  /// Returns whether it was the last piece.
  private mutating func take(
    _ piece: SalvagedPiece, of index: Int
  ) throws(StoreError) -> Bool {
    switch piece {
    case .applied(let lsn, let sequence):
      applied[index] = lsn
      greatestSequence = max(greatestSequence, sequence)
    case .lost(let text): report.lose(text)
    case .trying(let place): start.place = Int(place)
    case .end: return true
    case .entry(let key, let value, let type, let expiry, let sequence):
      report.entryCount += 1
      greatestSequence = max(greatestSequence, sequence)
      start = SalvageStart(after: key)
      try put(key, value, type, expiry)
    case .hiddenOwner(let key, let value, let type, let sequence):
      greatestSequence = max(greatestSequence, sequence)
      start = SalvageStart(after: key)
      let address = EntryAddress(storedAs: key.rawSpan)
      let orphan = Orphan(ownerKey: address.key, type: type, value: value.rawSpan)
      if let orphan { try put([Keyspace.orphans.rawValue] + orphan.key, orphan.value, 0, 0) }
    }
    return false
  }

  // MARK: The log

  private mutating func copyLog() throws(StoreError) {
    var log: LogInspector
    do throws(StoreError) {
      log = try inspection.log()
    } catch {
      report.lose("the log: \(error)")
      return
    }
    var intents: [TransactionID: InspectedRecord] = [:]
    while true {
      while let record = try translatingLogErrors({ () throws(LogError) in try log.next() }) {
        try copy(record, &intents)
      }
      let end = log.position
      let tail = try translatingLogErrors { () throws(LogError) in try log.tail() }
      guard case .damaged(let finding) = tail,
        try translatingLogErrors({ () throws(LogError) in try log.skipDamage() })
      else { break }
      report.lose("the log from LSN \(end) to \(log.position): \(finding)")
    }
    report.inDoubtCount = intents.count
  }

  private mutating func copy(
    _ record: InspectedRecord, _ intents: inout [TransactionID: InspectedRecord]
  ) throws(StoreError) {
    greatestSequence = max(greatestSequence, record.sequence ?? 0)
    switch record.kind {
    case "intent": intents[record.transaction] = record
    case "batch": try apply(record, committedAt: record.end.rawValue)
    case "commit":
      if let intent = intents.removeValue(forKey: record.transaction) {
        try apply(intent, committedAt: record.end.rawValue)
      } else {
        report.lose("transaction \(record.transaction): committed, but its intent is missing")
      }
    default: intents[record.transaction] = nil
    }
  }

  private mutating func apply(
    _ record: InspectedRecord, committedAt end: UInt64
  ) throws(StoreError) {
    var sections: [(partition: Int, bytes: [UInt8])] = []
    let isSound = record.forEachSection { partition, mutations in
      sections.append((partition, Array(copying: mutations)))
    }
    if !isSound { report.lose("transaction \(record.transaction): malformed sections") }
    var isOwed = false
    // The log has a batch's range deletes after its other mutations, but they hide only older batches, so
    // they are applied first.
    for areRangeDeletes in [true, false] {
      for (partition, bytes) in sections {
        guard partition < applied.count, applied[partition] < end else { continue }
        isOwed = true
        try apply(bytes, to: partition, onlyRangeDeletes: areRangeDeletes)
      }
    }
    if isOwed { report.transactionCount += 1 }
  }

  private mutating func apply(
    _ bytes: [UInt8], to partition: Int, onlyRangeDeletes: Bool
  ) throws(StoreError) {
    var offset = 0
    while let mutation = Mutation.parse(bytes.rawSpan, at: offset) {
      offset = mutation.end
      if (mutation.kind == .deleteRange) != onlyRangeDeletes { continue }
      let storedKey = Array(bytes[mutation.storedKey])
      switch mutation.kind {
      case .put, .putEntry:
        try put(storedKey, Array(bytes[mutation.value ?? 0..<0]), mutation.type, mutation.expiry)
      case .delete: try delete(storedKey)
      case .deleteRange: try delete(DeletedRange(mutation, in: bytes.rawSpan), from: partition)
      case .requireAbsent, .requirePresent, .requireSequence: break
      }
    }
  }

  /// Deletes key by key, and only the keys of one partition: another one may have applied more of the log.
  private mutating func delete(_ deleted: DeletedRange, from partition: Int) throws(StoreError) {
    try flush()
    guard let target else { return }
    let reader = target.makeReader()
    defer { reader.close() }
    var rest = deleted.range
    while true {
      var keys: [[UInt8]] = []
      var orphans: [Orphan] = []
      // Includes expired entries.
      try reader.scan(
        rest, in: deleted.keyspace, of: partition, reverse: false, limit: 1000, through: 0,
        hiding: nil
      ) { key, info, value in
        keys.append(Array(copying: key))
        // A delete of everything also deletes what owners own.
        if deleted.keyspace == .keys, deleted.range != .everything {
          if let orphan = Orphan(ownerKey: key, type: info.type, value: value) {
            orphans.append(orphan)
          }
        }
        return true
      }
      reader.end()
      guard let last = keys.last else { break }
      for key in keys { try delete([deleted.keyspace.rawValue] + key) }
      for orphan in orphans {
        try put([Keyspace.orphans.rawValue] + orphan.key, orphan.value, 0, 0)
      }
      try flush()
      rest.lower = last + [0]
    }
  }

  // MARK: Writing

  private mutating func put(
    _ storedKey: [UInt8], _ value: [UInt8], _ type: UInt8, _ expiry: UInt64
  ) throws(StoreError) {
    try makeRoom(for: storedKey.count + value.count)
    guard let keyspace = Keyspace(rawValue: storedKey[0]),
      keyspace == .keys || type == 0 && expiry == 0
    else { return lose(storedKey, because: "no build writes such an entry") }
    do throws(StoreError) {
      try batch.putEntry(
        Array(storedKey.dropFirst()), value, in: keyspace, type: type, expiry: expiry)
    } catch {
      lose(storedKey, error)
    }
  }

  /// Deletes the entry alone: what belongs to it is deleted by mutations of its own, which the log has too.
  private mutating func delete(_ storedKey: [UInt8]) throws(StoreError) {
    try makeRoom(for: storedKey.count)
    guard let keyspace = Keyspace(rawValue: storedKey[0]) else { return }
    do throws(StoreError) {
      try batch.deleteEntry(Array(storedKey.dropFirst()), in: keyspace)
    } catch {
      lose(storedKey, error)
    }
  }

  /// What an earlier version accepted and this one does not is given up, without giving up the rest.
  private mutating func lose(_ storedKey: [UInt8], _ error: StoreError) {
    lose(storedKey, because: "\(error)")
  }

  private mutating func lose(_ storedKey: [UInt8], because reason: String) {
    let place = Keyspace(unchecked: storedKey[0]).placeText
    let key = Finding.printable(Array(storedKey.dropFirst()))
    report.lose("the entry with key \(key)\(place): \(reason)")
  }

  /// Called before every mutation: a batch is limited by what it is charged, and a delete is charged more
  /// than it writes.
  private mutating func makeRoom(for byteCount: Int) throws(StoreError) {
    let charge = byteCount + Limits.mutationByteCount
    if batch.chargedByteCount + charge > Self.batchByteCount { try flush() }
  }

  private mutating func flush() throws(StoreError) {
    defer { batch = Batch() }
    if batch.byteCount > 0 { _ = try target?.commit(batch) }
  }
}
