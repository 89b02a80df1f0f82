extension Evaluation {
  /// Returns a place that no other caller ever gets, if the batch is committed: the batch's sequence, and a
  /// number that is unique within this evaluation.
  package mutating func takeOrdinal() -> (sequence: SequenceNumber, ordinal: UInt32) {
    defer { placeCount += 1 }
    return (sequencer.nextSequence, placeCount)
  }

  /// How many bytes of the log the batch takes so far. Every write increases it.
  package var writtenByteCount: Int { sequencer.payloadByteCount }
}
