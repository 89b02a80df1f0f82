import Base

/// Links an owner to what it owns: the first 14 bytes of its value, as a number.
struct OwnerID: Hashable, Comparable, Sendable {
  private let first: UInt64
  private let last: UInt64

  /// From `Orphan.identityByteCount` bytes.
  init(_ bytes: RawSpan) {
    first = bytes.load(at: 0, as: UInt64.self).byteSwapped
    last = bytes.load(at: Orphan.identityByteCount - 8, as: UInt64.self).byteSwapped
  }

  /// From hexadecimal digits in the form of `text`; nil if they are malformed.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".")
    guard parts.count == 2, let first = UInt64(parts[0], radix: 16),
      let last = UInt64(parts[1], radix: 16)
    else { return nil }
    self.first = first
    self.last = last
  }

  /// The owner of the entry at `address`; nil if that is not an entry that is owned.
  init?(owning address: EntryAddress) {
    guard address.keyspace == .owned, address.key.byteCount >= Orphan.identityByteCount else {
      return nil
    }
    self.init(address.key.extracting(0..<Orphan.identityByteCount))
  }

  var text: String { String(first, radix: 16) + "." + String(last, radix: 16) }

  /// The bytes from which it was made.
  var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: first >> (56 - 8 * UInt64($0))) }
      + (2..<8).map { UInt8(truncatingIfNeeded: last >> (56 - 8 * UInt64($0))) }
  }

  static func < (one: OwnerID, other: OwnerID) -> Bool {
    (one.first, one.last) < (other.first, other.last)
  }
}

/// Finds entries of one partition whose owner is missing: there is neither an entry with a type nor an orphan
/// note. The owner may be in another partition, so the rest of the check needs the whole store.
///
/// Takes 17 bytes of memory for each owner, and as many again for each whose entries are in another partition.
struct OwnershipCheck {
  private var tombstones = RangeIndex()
  /// In key order, which is also the order of the identifiers.
  private var owned: [OwnerID] = []
  private var isMatched: [Bool] = []
  private var elsewhere: Set<OwnerID> = []

  /// - Parameter tombstones: entries that these hide count as removed.
  init(_ tombstones: [RangeTombstone]) {
    self.tombstones.insert(tombstones)
  }

  /// Must be called for each entry, in key order.
  mutating func add(
    _ address: EntryAddress, _ header: StoredValue.Header, _ value: RawSpan
  ) {
    if let id = OwnerID(owning: address) {
      if id == owned.last { return }
      if tombstones.newest(over: address, at: .max) > header.sequence { return }
      owned.append(id)
      isMatched.append(false)
    } else if address.keyspace == .keys, Orphan.isOwner(header.type, value) {
      match(OwnerID(value))
    } else if address.keyspace == .orphans, let orphan = Orphan(key: address.key, value: value) {
      match(OwnerID(orphan.key.rawSpan.extracting(droppingFirst: Orphan.prefixByteCount)))
    }
  }

  private mutating func match(_ id: OwnerID) {
    if let place = place(of: id) { isMatched[place] = true } else { elsewhere.insert(id) }
  }

  private func place(of id: OwnerID) -> Int? {
    var (low, high) = (0, owned.count)
    while low < high {
      let middle = (low + high) / 2
      if owned[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < owned.count && owned[low] == id ? low : nil
  }

  /// Adds to `report` what has its counterpart in another partition, or nowhere.
  consuming func finish(into report: inout CheckReport) {
    // Users' keys come before all owned entries, so owners could not be matched when they were added.
    for id in elsewhere { if let place = place(of: id) { isMatched[place] = true } }
    for (id, isMatched) in zip(owned, isMatched) where !isMatched { report.unowned.insert(id) }
    report.unmatchedOwners.formUnion(elsewhere)
  }
}

extension StoreInspection {
  /// Removes from `report.unowned` what a mutation in the log accounts for: partitions may have applied the
  /// log up to different positions.
  func excuse(_ mutation: Mutation, in bytes: RawSpan, _ report: inout CheckReport) {
    if report.unowned.isEmpty { return }
    if let id = OwnerID(owning: mutation.address(in: bytes)) { report.unowned.remove(id) }
    if mutation.kind == .deleteRange, mutation.keyspace == .owned, mutation.key.isEmpty {
      report.unowned.removeAll()
    }
    if mutation.kind == .putEntry, let value = mutation.value {
      let value = bytes.extracting(value)
      if Orphan.isOwner(mutation.type, value) { report.unowned.remove(OwnerID(value)) }
    }
  }

  /// Adds a finding for each missing owner of entries. Does nothing if something else is wrong, which
  /// may be the cause, or if a process wrote to the store meanwhile.
  func reportUnowned(_ report: inout CheckReport) {
    let unowned = report.unowned.filter { !isExpectedUnowned($0.bytes) }
    report.unowned = []
    guard !unowned.isEmpty, report.isSound, appliedLSNs() == report.appliedLSNs else { return }
    for id in unowned.sorted() {
      let bytes = id.bytes
      let address = EntryAddress(.owned, bytes.rawSpan)
      let index = address.partition(count: partitionCount)
      report.add(
        Finding(
          file: "\(StoreOpening.partitionPath(index, in: path))/\(LMDBFile.dataName)", at: address,
          expected: "the entry that owns those with this prefix, or a note of its removal",
          found: "neither in any partition"))
    }
  }

  private func appliedLSNs() -> [UInt64] {
    (0..<partitionCount).compactMap { try? partition($0).appliedLSN }
  }
}
