import Base

/// Finds, while a memtable is applied, the entries that own others and that a range delete has removed unseen.
///
/// Let the versions of a key be v₁, v₂, …, in the order of sequences. A range delete that covers the key has
/// removed an owner vᵢ unseen exactly if its sequence lies between those of vᵢ and vᵢ₊₁: before vᵢ it did not
/// meet it, and behind vᵢ₊₁ the owner was gone already, by a command that saw to what it owned or moved it to
/// another key. (Within one batch the evaluation itself sees to it.) Apply has vᵢ and its successor side by
/// side: both in the memtable, or the first in the file. A version that is the newest of all stays in the
/// memtable's place, hidden, until it goes here or the purge worker gets to it.
///
/// So the file must never keep an owner whose successor was left out because a range delete hides that
/// successor: the purge worker would take the owner, which may live on under another key, for removed. What is
/// left out takes an owner before it out of the file.
struct OwnerWatch {
  private let partition: Partition
  private let layers: Layers
  /// The sequence of the memtable's last batch.
  private let last: SequenceNumber
  private let isWatching: Bool
  /// What was owned by something older than this goes by itself.
  private let newestOfEverything: SequenceNumber

  /// - Parameters:
  ///   - last: the sequence of the memtable's last batch.
  ///   - durable: that of the newest range delete by which entries are left out.
  init(_ partition: Partition, _ layers: Layers, upTo last: SequenceNumber, durable: SequenceNumber)
  {
    self.partition = partition
    self.layers = layers
    self.last = last
    isWatching = partition.presence.mayHoldOwners
    newestOfEverything =
      isWatching ? Orphan.newestOfEverything(in: layers, at: max(last, durable)) : 0
  }

  /// Whether the newest version is written although a range delete of a later memtable hides it: an owner
  /// goes when all that came between is known.
  func isKept(_ header: EntryHeader, _ value: RawSpan) -> Bool {
    isWatching && header.kind == .put && Orphan.isOwner(header.type, value)
      && header.sequence >= newestOfEverything
  }

  /// To be called before the newest version of `key` is written or left out. Returns how many notes of orphans
  /// it has added to the file. As dear as a look into the range deletes, and where one covers the key, for each
  /// version one and a look-up in the file.
  func visit(
    _ key: RawSpan, _ newest: KeyVersion, isLeftOut: Bool, _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    guard isWatching, !InternalKey.contains(key) else { return 0 }
    if !isLeftOut, layers.tombstoneSequence(over: key, at: last) == 0 { return 0 }
    var orphans: [(orphan: Orphan, sequence: SequenceNumber)] = []
    var version = newest
    var successor = last &+ 1
    while true {
      let header = version.header
      version.withValue { value in
        if let orphan = orphan(key, header, value, before: successor) { orphans.append(orphan) }
      }
      successor = header.sequence
      guard let older = version.before else { break }
      version = older
    }
    let isStale = try lookIntoFile(
      key, oldest: successor, newest: newest.sequence, &orphans, transaction)
    if isLeftOut, isStale, !DeliberateBug.leavesStaleOwners.isOn {
      try transaction.delete(.data, key)
    }
    return orphans.isEmpty ? 0 : try transaction.add(orphans)
  }

  /// Whether the file has an owner under `key` that is not newer than what the memtable has.
  private func lookIntoFile(
    _ key: RawSpan, oldest: SequenceNumber, newest: SequenceNumber,
    _ orphans: inout [(orphan: Orphan, sequence: SequenceNumber)],
    _ transaction: borrowing WriteTransaction
  ) throws(StoreError) -> Bool {
    let seed = partition.environment.checksumSeed
    return try transaction.withValue(of: key) { stored in
      // What does not check out stays for whoever reads it.
      guard let stored, let header = StoredValue.soundHeader(stored, key: key, seed: seed),
        header.type != 0
      else { return false }
      // After a crash the file may have what this memtable holds, or later versions.
      if header.sequence < oldest {
        let value = stored.extracting(droppingFirst: StoredValue.headerByteCount)
        if let orphan = orphan(key, EntryHeader(header), value, before: oldest) {
          orphans.append(orphan)
        }
      }
      return header.sequence <= newest
    }
  }

  /// The note of a version of `key`, where it is an owner and a range delete lies between it and the version with
  /// the sequence `successor`.
  private func orphan(
    _ key: RawSpan, _ header: EntryHeader, _ value: RawSpan, before successor: SequenceNumber
  ) -> (orphan: Orphan, sequence: SequenceNumber)? {
    guard header.kind == .put, header.type != 0, header.sequence >= newestOfEverything,
      header.sequence < successor,
      layers.tombstoneSequence(over: key, at: successor - 1) > header.sequence,
      let orphan = Orphan(ownerKey: key, type: header.type, value: value)
    else { return nil }
    return (orphan, header.sequence)
  }
}
