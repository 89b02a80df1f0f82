import TxnWAL

/// What a key was like, to be asked inside an evaluation whether it has changed since.
///
/// Every write of the key counts, also one that was undone by another: a key that was absent, made, and
/// deleted again has changed.
public struct KeyWatch: Sendable {
  /// The sequence of the batch that wrote the key; 0 where it has no value.
  public let sequence: SequenceNumber
  private let absence: AbsenceWatch?
  /// A batch that was on its way when the watch began made or removed the key.
  private let changesAtOnce: Bool

  init(sequence: SequenceNumber, absence: AbsenceWatch?, changesAtOnce: Bool) {
    self.sequence = sequence
    self.absence = absence
    self.changesAtOnce = changesAtOnce
  }

  fileprivate var wasMade: Bool { changesAtOnce || absence?.wasMade == true }
}

extension Reader {
  /// Begins to watch `key` as it is now; ends when nobody has the watch any more.
  ///
  /// - Parameter through: as for `withValue`.
  public func watch(
    _ key: RawSpan, through: SequenceNumber = 0
  ) throws(StoreError) -> KeyWatch {
    let place = place(of: key)
    let partition = keyspace.partitions[place.partition]
    // Before looking: what is written from here on is noted.
    let absence = AbsenceWatch(of: place.hash, in: partition.watches)
    let begun = max(keyspace.watermarks.published, through)
    let sequence = try sequence(of: key, in: place.partition, at: begun)
    guard sequence == 0 else {
      return KeyWatch(sequence: sequence, absence: nil, changesAtOnce: false)
    }
    return KeyWatch(
      sequence: 0, absence: absence,
      changesAtOnce: partition.newestChange(of: key, hash: place.hash) > begun)
  }
}

extension Partition {
  /// The sequence of the newest batch that wrote or removed `key` and is in memory, published or not.
  fileprivate func newestChange(of key: RawSpan, hash: UInt64) -> SequenceNumber {
    let layers = layers
    var newest: SequenceNumber = 0
    for layer in [layers.active] + layers.sealed {
      let version = layer.memtable.index.find(key, hash: hash)?.version(at: .max)
      newest = max(newest, version?.header.sequence ?? 0)
    }
    return newest
  }
}

extension Evaluation {
  /// Whether `key` is as it was when the watch began. What this evaluation writes itself counts as well.
  public mutating func holds(_ watch: KeyWatch, of key: RawSpan) throws(StoreError) -> Bool {
    guard !watch.wasMade else { return false }
    return try sequence(of: key) == watch.sequence
  }
}
