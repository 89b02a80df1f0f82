extension Evaluation {
  /// A place that is the caller's forever, once the batch is carried out: the sequence of the batch, and a number that no
  /// other call in this evaluation gets.
  package mutating func takePlace() -> (sequence: SequenceNumber, ordinal: UInt32) {
    defer { placeCount += 1 }
    return (sequencer.nextSequence, placeCount)
  }

  /// How many bytes of the log the batch takes so far. Every write adds to it.
  package var writtenByteCount: Int { sequencer.payloadByteCount }
}
