import Base

/// Finds, while a memtable is applied, owners (entries that own others) that a range delete removed unseen.
///
/// Let v₁, v₂, … be the versions of a key, in sequence order. A range delete that covers the key has removed
/// an owner vᵢ unseen exactly if its sequence lies between those of vᵢ and vᵢ₊₁. Before vᵢ, it did not affect
/// the owner. After vᵢ₊₁, the owner was already gone: the command that wrote vᵢ₊₁ removed what the owner
/// owned, or moved the owner to another key. (Within one batch, the evaluation itself does so.) Apply sees vᵢ
/// together with its successor: both are in the memtable, or the first is in the file. The newest version of
/// a key has no successor. If it is hidden, it is kept until a later apply or the purge worker removes it.
///
/// So the file must never keep an owner whose successor was left out because a range delete hides that successor: the
/// purge worker would conclude that the range delete removed the owner, which may live on under another key. When an
/// entry is left out, an older owner under its key is therefore deleted from the file.
struct OwnerWatch {
  private let partition: Partition
  private let layers: Layers
  /// The sequence of the memtable's last batch.
  private let last: SequenceNumber
  private let isWatching: Bool
  /// The sequence of the newest delete of everything, which also removes what older owners owned.
  private let newestFullDeleteSequence: SequenceNumber

  /// - Parameters:
  ///   - last: the sequence of the memtable's last batch.
  ///   - durable: the sequence of the newest range delete because of which entries are left out.
  init(_ partition: Partition, _ layers: Layers, upTo last: SequenceNumber, durable: SequenceNumber)
  {
    self.partition = partition
    self.layers = layers
    self.last = last
    isWatching = partition.presence.mayHoldOwners
    newestFullDeleteSequence =
      isWatching ? Orphan.newestFullDeleteSequence(in: layers, at: max(last, durable)) : 0
  }

  /// Whether the newest version of a key is written although a range delete of a later memtable hides it: an
  /// owner is removed only when everything in between is known.
  func isKept(_ address: EntryAddress, _ header: EntryHeader, _ value: RawSpan) -> Bool {
    isWatching && address.keyspace == .keys && header.kind == .put
      && Orphan.isOwner(header.type, value)
      && header.sequence >= newestFullDeleteSequence
  }

  /// Must be called before the newest version at `address` is written or left out. Returns the number of orphan
  /// notes that it added to the file. Costs one lookup in the range deletes; where one covers the key, also
  /// one for each version and a lookup in the file.
  func visit(
    _ address: EntryAddress, _ newest: KeyVersion, isElided: Bool,
    _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    guard isWatching, address.keyspace == .keys else { return 0 }
    if !isElided, layers.tombstoneSequence(over: address, at: last) == 0 { return 0 }
    var orphans: [(orphan: Orphan, sequence: SequenceNumber)] = []
    var version = newest
    var successor = last &+ 1
    while true {
      let header = version.header
      version.withValue { value in
        if let orphan = orphan(address, header, value, before: successor) { orphans.append(orphan) }
      }
      successor = header.sequence
      guard let older = version.before else { break }
      version = older
    }
    let isStale = try lookIntoFile(
      address, oldest: successor, newest: newest.sequence, &orphans, transaction)
    if isElided, isStale, !DeliberateBug.leavesStaleOwners.isOn {
      try transaction.delete(.data, address.storedKey)
    }
    return orphans.isEmpty ? 0 : try transaction.add(orphans)
  }

  /// Whether the file has an owner at `address` that is not newer than the memtable's newest version.
  private func lookIntoFile(
    _ address: EntryAddress, oldest: SequenceNumber, newest: SequenceNumber,
    _ orphans: inout [(orphan: Orphan, sequence: SequenceNumber)],
    _ transaction: borrowing WriteTransaction
  ) throws(StoreError) -> Bool {
    let seed = partition.environment.checksumSeed
    return try transaction.withValue(of: address.storedKey.rawSpan) { stored in
      // A damaged entry is left for the read that meets it.
      guard let stored, let header = StoredValue.soundHeader(stored, at: address, seed: seed),
        header.type != 0
      else { return false }
      // After a crash the file may already have this memtable's versions, or later ones.
      if header.sequence < oldest {
        let value = stored.extracting(droppingFirst: StoredValue.headerByteCount)
        if let orphan = orphan(address, EntryHeader(header), value, before: oldest) {
          orphans.append(orphan)
        }
      }
      return header.sequence <= newest
    }
  }

  /// The orphan note for a version of the entry at `address` if it is an owner and a range delete lies between it and the
  /// version with the sequence `successor`.
  private func orphan(
    _ address: EntryAddress, _ header: EntryHeader, _ value: RawSpan,
    before successor: SequenceNumber
  ) -> (orphan: Orphan, sequence: SequenceNumber)? {
    guard header.kind == .put, header.type != 0, header.sequence >= newestFullDeleteSequence,
      header.sequence < successor,
      layers.tombstoneSequence(over: address, at: successor - 1) > header.sequence,
      let orphan = Orphan(ownerKey: address.key, type: header.type, value: value)
    else { return nil }
    return (orphan, header.sequence)
  }
}
