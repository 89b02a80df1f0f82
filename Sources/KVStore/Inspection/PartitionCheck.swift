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
    let before = report.otherEntryCount
    var ownership = OwnershipCheck(tombstones)
    try walk(environment, reader, &ownership, into: &report)
    ownership.finish(into: &report)
    let otherCount = report.otherEntryCount - before
    if otherCount != applied.otherEntryCount {
      report.add(
        Finding(
          file: environment.path,
          expected:
            "\(applied.otherEntryCount) entries besides users', as recorded in the partition",
          found: "\(otherCount)"))
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
      cursor.withEntry { storedKey, stored in
        check(storedKey, stored, environment, after: &previous, &ownership, into: &report)
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
    _ storedKey: RawSpan, _ stored: RawSpan, _ environment: LMDBEnvironment,
    after previous: inout [UInt8]?, _ ownership: inout OwnershipCheck,
    into report: inout CheckReport
  ) {
    let address = EntryAddress(storedAs: storedKey)
    if address.keyspace != .keys { report.otherEntryCount += 1 }
    do throws(StoreError) {
      let header = try StoredValue.decode(
        stored, at: address, seed: environment.checksumSeed, file: environment.path)
      report.greatestSequence = max(report.greatestSequence, header.sequence)
      report.byteCount += address.key.byteCount + stored.byteCount
      ownership.add(
        address, header, stored.extracting(droppingFirst: StoredValue.headerByteCount))
    } catch {
      report.add(error)
    }
    func add(expected: String, found: String) {
      report.add(
        Finding(file: environment.path, at: address, expected: expected, found: found))
    }
    if Keyspace(rawValue: address.keyspace.rawValue) == nil {
      add(
        expected: "a keyspace of this format",
        found: "0x" + String(address.keyspace.rawValue, radix: 16))
    }
    if !address.isWellFormed { add(expected: "a key of its keyspace's form", found: "another") }
    let home = address.partition(count: inspection.partitionCount)
    if home != index {
      add(
        expected: "a key of partition \(index)",
        found: "a key of slot \(address.slot), which belongs to partition \(home)")
    }
    let bytes = Array(copying: storedKey)
    if let earlier = previous, !earlier.isBefore(bytes) {
      add(expected: "a key after \(Finding.printable(earlier))", found: "a key out of order")
    }
    previous = bytes
  }
}
