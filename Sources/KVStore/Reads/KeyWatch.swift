import Base

/// The state of a key, so that a later evaluation can check whether the key has changed.
///
/// Every write of the key counts, even if another one undid it: a key that was absent, was created, and was
/// deleted again has changed.
public struct KeyWatch: Sendable {
  /// The sequence of the batch that wrote the key; 0 if it has no value.
  public let sequence: SequenceNumber
  private let absence: AbsenceWatch?
  /// Whether a batch that was not published yet when the watch began created or removed the key.
  private let changesAtOnce: Bool

  init(sequence: SequenceNumber, absence: AbsenceWatch?, changesAtOnce: Bool) {
    self.sequence = sequence
    self.absence = absence
    self.changesAtOnce = changesAtOnce
  }

  fileprivate var wasCreated: Bool { changesAtOnce || absence?.wasCreated == true }
}

extension Reader {
  /// Begins to watch `key` as it is now. The watch ends when its last copy is released.
  ///
  /// - Parameter through: as for `withValue`.
  public func watch(
    _ key: RawSpan, through: SequenceNumber = 0
  ) throws(StoreError) -> KeyWatch {
    let address = EntryAddress(.keys, key)
    let place = place(of: address)
    let partition = partitionSet.partitions[place.partition]
    // Before the lookup: writes are recorded from here on.
    let absence = AbsenceWatch(of: place.hash, in: partition.watches)
    let begun = max(partitionSet.watermarks.published, through)
    let sequence = try sequence(of: address, in: place.partition, at: begun)
    CrashPoint.reached(.watchBetweenSteps)
    // In the layers of that lookup: a batch that it did not see may by now be in the file alone.
    guard sequence == 0 else {
      return KeyWatch(sequence: sequence, absence: nil, changesAtOnce: false)
    }
    return KeyWatch(
      sequence: 0, absence: absence,
      changesAtOnce: newestChange(of: address, in: place.partition, hash: place.hash) > begun)
  }
}

extension Evaluation {
  /// Whether `key` is as it was when the watch began. This evaluation's own writes count as changes.
  public mutating func holds(_ watch: KeyWatch, of key: RawSpan) throws(StoreError) -> Bool {
    guard !watch.wasCreated else { return false }
    return try sequence(of: key) == watch.sequence
  }
}
