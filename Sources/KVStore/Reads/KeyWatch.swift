import Base

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
    CrashPoint.reached(.watchBetweenSteps)
    // In the layers of that look-up: by now a batch that it did not see may be in the file alone.
    guard sequence == 0 else {
      return KeyWatch(sequence: sequence, absence: nil, changesAtOnce: false)
    }
    return KeyWatch(
      sequence: 0, absence: absence,
      changesAtOnce: newestChange(of: key, in: place.partition, hash: place.hash) > begun)
  }
}

extension Evaluation {
  /// Whether `key` is as it was when the watch began. What this evaluation writes itself counts as well.
  public mutating func holds(_ watch: KeyWatch, of key: RawSpan) throws(StoreError) -> Bool {
    guard !watch.wasMade else { return false }
    return try sequence(of: key) == watch.sequence
  }
}
