import Base
import Glibc
import TxnWAL

/// Copies what can still be read of a damaged store into a new one: the entries of the partitions, then
/// what the log holds beyond them. Nothing of the damaged store is changed.
///
/// The order of the log is kept, and what a partition has applied is not applied again. A transaction of
/// which a part is lost is copied without it: that is what salvage gives up.
public struct StoreSalvage {
  private static let batchByteCount = 4 << 20
  /// How often a partition's reader may die.
  private static let attemptLimit = 2000

  private let inspection: StoreInspection
  private var report = SalvageReport()
  private var target: Store?
  private var batch = Batch()
  private var applied: [UInt64] = []
  /// The greatest sequence that was read anywhere.
  private var greatestSequence: SequenceNumber = 0
  /// Where a reader that dies goes on.
  private var start = SalvageStart()

  /// Of the store that `inspection` looks at.
  public init(of inspection: StoreInspection) {
    self.inspection = inspection
  }

  /// Copies into a new store at `path`; where that is nil, only says what would be copied.
  ///
  /// - Parameter partition: reads a partition, handing over what `StoreInspection.salvage(partition:)`
  ///   wrote, and returns 0, or how the process that did so ended.
  public mutating func run(
    into path: String?,
    partition: (
      _ index: Int, _ start: SalvageStart, _ take: (ArraySlice<UInt8>) -> Void
    ) -> Int32
  ) throws(StoreError) -> SalvageReport {
    let directory = try lockDirectory()
    defer { directory?.release() }
    // Shared, as the processes that read the partitions may have to take them (`LMDBAccess.quiet`).
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

  /// Nobody may write meanwhile. Where the lock cannot be taken for another reason, as on a read-only file system
  /// or without a right to write there, the locks on the data files have to do.
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
      throw .io(IOError(errno: 17, operation: "make a store in", path: path))
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

  /// It belongs to the owner of the damaged one, whoever runs this; but not what a link leads to, which that owner may
  /// have put there.
  private func makeDirectory(_ path: String) throws(StoreError) {
    try Files.makeDirectory(path)
    guard let former = try Files.status(of: inspection.path) else { return }
    // With a slash after it a link is followed all the same.
    var name = path[...]
    while name.count > 1, name.last == "/" { name.removeLast() }
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    Files.give(try Files.open(String(name), flags), to: former)
  }

  // MARK: Sequences

  /// How far the sequences of a copy begin behind those of its original: there are fewer batches than that in a log.
  private static let sequenceGap: SequenceNumber = 1 << 40

  /// A sequence that no batch of the damaged store can have got: ids of maps are made of sequences, and the
  /// copied ones must not be given out again. The log's control file tells one before its checkpoint, and
  /// there are fewer batches behind that than a log has bytes; without it, one that no store comes to by itself.
  /// (A store that was salvaged so begins with it: see `raiseSequence`.)
  private var sequenceBehindAll: SequenceNumber {
    if let log = try? inspection.log() { log.summary.sequence + Self.sequenceGap } else { 1 << 54 }
  }

  /// Has the copy go on behind every sequence that was met while it was made, where it is not there by itself: its
  /// own batches need not be, since they make no maps.
  private func raiseSequence(of path: String) throws(StoreError) {
    let directory = try DirectoryLock(directory: path)
    defer { directory.release() }
    let copy = try StoreInspection(at: path)
    let files = try DataFileLocks(.exclusive, of: copy.manifest, in: path)
    defer { files.release() }
    // Sequences are below 2^56. What is not is no sequence of ours.
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
        report.lose("partition \(index): its reader ended with status \(status)")
        return
      }
      // It died of what it read: the next goes on behind that.
      start.place += 1
    }
    report.lose(
      "partition \(index): every key behind \(start.after.map { Finding.printable($0) } ?? "the beginning")"
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

  /// Whether it was the last one.
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
      let orphan = Orphan(ownerKey: key.rawSpan, type: type, value: value.rawSpan)
      if let orphan { try put(orphan.key, orphan.value, 0, 0) }
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
        report.lose("transaction \(record.transaction): it was committed, and its intent is gone")
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
    if !isSound { report.lose("transaction \(record.transaction): bytes that are no sections") }
    var isOwed = false
    // Range deletes stand behind a batch's other mutations, and hide only what is older than the batch.
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
      let key = Array(bytes[mutation.key])
      switch mutation.kind {
      case .put, .putEntry:
        try put(key, Array(bytes[mutation.value ?? 0..<0]), mutation.type, mutation.expiry)
      case .delete: try delete(key)
      case .deleteRange: try delete(KeyRange(mutation, in: bytes.rawSpan), from: partition)
      case .requireAbsent, .requirePresent, .requireSequence: break
      }
    }
  }

  /// Key by key, and only those of the one partition: another may be further on already.
  private mutating func delete(_ range: KeyRange, from partition: Int) throws(StoreError) {
    try flush()
    guard let target else { return }
    let reader = target.makeReader()
    defer { reader.close() }
    // Internal keys too, where the range has them, and what has expired.
    let hidden = InternalKey.range
    for part in range.storedParts + (range == .everything ? [hidden] : []) {
      var rest = part
      while true {
        var keys: [[UInt8]] = []
        var orphans: [Orphan] = []
        try reader.scan(
          rest, in: partition, reverse: false, limit: 1000, through: 0, hiding: nil,
          showsInternal: true
        ) { key, info, value in
          keys.append(Array(copying: key))
          let orphan = Orphan(ownerKey: key, type: info.type, value: value)
          if let orphan, range != .everything { orphans.append(orphan) }
          return true
        }
        reader.end()
        guard let last = keys.last else { break }
        for key in keys { try delete(key) }
        for orphan in orphans { try put(orphan.key, orphan.value, 0, 0) }
        try flush()
        rest.lower = last + [0]
      }
    }
  }

  // MARK: Writing

  private mutating func put(
    _ key: [UInt8], _ value: [UInt8], _ type: UInt8, _ expiry: UInt64
  ) throws(StoreError) {
    try makeRoom(for: key.count + value.count)
    do throws(StoreError) {
      try batch.put(stored: key, value, type: type, expiry: expiry)
    } catch {
      lose(key, error)
    }
  }

  /// The entry alone: what belongs to it is deleted by mutations of its own, which stand beside it in the log.
  private mutating func delete(_ key: [UInt8]) throws(StoreError) {
    try makeRoom(for: key.count)
    do throws(StoreError) {
      try batch.delete(stored: key)
    } catch {
      lose(key, error)
    }
  }

  /// What an earlier version took and this one does not is given up, and not all the rest with it.
  private mutating func lose(_ key: [UInt8], _ error: StoreError) {
    report.lose("the entry of key \(Finding.printable(key)): \(error)")
  }

  /// Before every mutation: a batch is limited by what it is charged, and a delete is charged more than it writes.
  private mutating func makeRoom(for byteCount: Int) throws(StoreError) {
    let charge = byteCount + Limits.mutationByteCount
    if batch.chargedByteCount + charge > Self.batchByteCount { try flush() }
  }

  private mutating func flush() throws(StoreError) {
    defer { batch = Batch() }
    if batch.byteCount > 0 { _ = try target?.commit(batch) }
  }
}
