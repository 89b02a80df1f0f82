import Base
import TxnWAL

/// Reads every entry of one partition and compares it with everything that it must agree with.
struct PartitionCheck {
  let inspection: StoreInspection
  let index: Int

  /// Adds what was read, and every finding. Throws only if the partition cannot be read at all.
  func run(into report: inout CheckReport) throws(StoreError) {
    let environment = try inspection.environment(index)
    defer { environment.close() }
    let reader = try environment.makeReader()
    let applied = try reader.appliedState()
    let floor = inspection.manifest.partitions[index]
    if applied.lsn < floor.leastAppliedLSN {
      report.add(
        Finding(
          file: environment.path,
          expected: "an applied LSN of at least \(floor.leastAppliedLSN)",
          found: "\(applied.lsn)"))
    }
    report.appliedLSNs.append(applied.lsn)
    let tombstones = try reader.tombstones()
    report.tombstoneCount += tombstones.count
    let before = report.internalEntryCount
    var ownership = OwnershipCheck(tombstones)
    try walk(environment, reader, &ownership, into: &report)
    ownership.finish(into: &report)
    let internalCount = report.internalEntryCount - before
    if let expected = applied.internalEntryCount, internalCount != expected {
      report.add(
        Finding(
          file: environment.path,
          expected: "\(expected) internal entries, as recorded in the partition",
          found: "\(internalCount)"))
    }
  }

  private func walk(
    _ environment: LMDBEnvironment, _ reader: ReadTransaction, _ ownership: inout OwnershipCheck,
    into report: inout CheckReport
  ) throws(StoreError) {
    var cursor = try reader.makeCursor()
    var count = 0
    var previous: [UInt8]?
    var isEntry = try cursor.first()
    while isEntry {
      count += 1
      cursor.withEntry { key, stored in
        check(key, stored, environment, after: &previous, &ownership, into: &report)
      }
      isEntry = try cursor.next()
    }
    report.entryCount += count
    let expected = try reader.entryCount()
    if count != expected {
      report.add(
        Finding(
          file: environment.path, expected: "\(expected) entries, as counted by LMDB",
          found: "\(count)"))
    }
  }

  private func check(
    _ key: RawSpan, _ stored: RawSpan, _ environment: LMDBEnvironment,
    after previous: inout [UInt8]?, _ ownership: inout OwnershipCheck,
    into report: inout CheckReport
  ) {
    let bytes = Array(copying: key)
    if InternalKey.contains(key) { report.internalEntryCount += 1 }
    do throws(StoreError) {
      let header = try StoredValue.decode(
        stored, key: key, seed: environment.checksumSeed, file: environment.path)
      report.greatestSequence = max(report.greatestSequence, header.sequence)
      report.byteCount += key.byteCount + stored.byteCount
      ownership.add(key, header, stored.extracting(droppingFirst: StoredValue.headerByteCount))
    } catch {
      report.add(error)
    }
    let home = Routing.partition(of: key, count: inspection.partitionCount)
    if home != index {
      report.add(
        Finding(
          file: environment.path, key: bytes, expected: "a key of partition \(index)",
          found: "a key of slot \(Routing.slot(of: key)), which belongs to partition \(home)"))
    }
    if let earlier = previous, !earlier.lexicographicallyPrecedes(bytes) {
      report.add(
        Finding(
          file: environment.path, key: bytes,
          expected: "a key after \(Finding.printable(earlier))", found: "a key out of order"))
    }
    previous = bytes
  }
}
