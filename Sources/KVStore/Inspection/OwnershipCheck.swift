import Base

/// What ties an entry that owns others to those: the first 14 bytes of its value, as a number.
struct OwnerID: Hashable, Comparable, Sendable {
  private let first: UInt64
  private let last: UInt64

  /// Of `Orphan.identityByteCount` bytes.
  init(_ bytes: RawSpan) {
    first = bytes.load(at: 0, as: UInt64.self).byteSwapped
    last = bytes.load(at: Orphan.identityByteCount - 8, as: UInt64.self).byteSwapped
  }

  /// Of hexadecimal digits, as `text` has them. Nil where they are none.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".")
    guard parts.count == 2, let first = UInt64(parts[0], radix: 16),
      let last = UInt64(parts[1], radix: 16)
    else { return nil }
    self.first = first
    self.last = last
  }

  /// The owner that a key of something owned names; nil where it is no such key.
  init?(owning key: RawSpan) {
    guard key.beginsWithZero, InternalKey.isMapField(key),
      key.byteCount >= InternalKey.mapPrefixByteCount
    else { return nil }
    self.init(key.extracting(2..<InternalKey.mapPrefixByteCount))
  }

  var text: String { String(first, radix: 16) + "." + String(last, radix: 16) }

  /// The bytes that it was made of.
  var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: first >> (56 - 8 * UInt64($0))) }
      + (2..<8).map { UInt8(truncatingIfNeeded: last >> (56 - 8 * UInt64($0))) }
  }

  static func < (one: OwnerID, other: OwnerID) -> Bool {
    (one.first, one.last) < (other.first, other.last)
  }
}

/// Finds entries of one partition that are owned, and whose owner is not there: neither an entry with a type nor
/// the note of an orphan. The owner may be in another partition, so the rest is for the whole store.
///
/// 17 bytes of memory for each owner, and as many again for each whose entries are in another partition.
struct OwnershipCheck {
  private var tombstones = RangeIndex()
  /// In the order of keys, which is theirs.
  private var owned: [OwnerID] = []
  private var isMatched: [Bool] = []
  private var elsewhere: Set<OwnerID> = []

  /// - Parameter tombstones: what is under these is as good as gone.
  init(_ tombstones: [RangeTombstone]) {
    self.tombstones.insert(tombstones)
  }

  /// To be called for each entry, in the order of keys.
  mutating func add(_ key: RawSpan, _ header: StoredValue.Header, _ value: RawSpan) {
    if let id = OwnerID(owning: key) {
      if id == owned.last { return }
      if tombstones.newest(over: key, at: .max) > header.sequence { return }
      owned.append(id)
      isMatched.append(false)
    } else if Orphan.isOwner(header.type, value) {
      match(OwnerID(value))
    } else if let orphan = Orphan(key: key, value: value), InternalKey.contains(key),
      InternalKey.isOrphan(key)
    {
      match(OwnerID(orphan.key.rawSpan.extracting(droppingFirst: 4)))
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

  /// Tells `report` what has its other half in another partition, or nowhere.
  consuming func finish(into report: inout CheckReport) {
    // Some users' keys come before all that is owned.
    for id in elsewhere { if let place = place(of: id) { isMatched[place] = true } }
    for (id, isMatched) in zip(owned, isMatched) where !isMatched { report.unowned.insert(id) }
    report.ownersElsewhere.formUnion(elsewhere)
  }
}

extension StoreInspection {
  /// Forgets of `report.unowned` what a mutation in the log tells of: partitions may have come to different
  /// places in it.
  func excuse(_ mutation: Mutation, in bytes: RawSpan, _ report: inout CheckReport) {
    if report.unowned.isEmpty { return }
    let key = bytes.extracting(mutation.key)
    if let id = OwnerID(owning: key) { report.unowned.remove(id) }
    if mutation.kind == .deleteRange, key.isEmpty { report.unowned.removeAll() }
    if mutation.kind == .putEntry, let value = mutation.value {
      let value = bytes.extracting(value)
      if Orphan.isOwner(mutation.type, value) { report.unowned.remove(OwnerID(value)) }
    }
  }

  /// Adds a finding for each map whose fields nothing leads to. Not where something else is wrong, which may be
  /// why, and not where a process has written meanwhile.
  func reportUnowned(_ report: inout CheckReport) {
    let unowned = report.unowned.filter { !isExpectedUnowned($0.bytes) }
    report.unowned = []
    guard !unowned.isEmpty, report.isSound, appliedLSNs() == report.appliedLSNs else { return }
    for id in unowned.sorted() {
      let prefix: [UInt8] = [0, InternalKey.Kind.mapField.rawValue] + id.bytes
      let index = Routing.partition(of: prefix.rawSpan, count: partitionCount)
      report.add(
        Finding(
          file: "\(StoreOpening.partitionPath(index, in: path))/\(LMDBFile.dataName)", key: prefix,
          expected: "the record of a map with these fields, or a note that it was removed",
          found: "neither in any partition"))
    }
  }

  private func appliedLSNs() -> [UInt64] {
    (0..<partitionCount).compactMap { try? partition($0).appliedLSN }
  }
}
