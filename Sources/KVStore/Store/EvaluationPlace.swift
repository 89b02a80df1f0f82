extension Evaluation {
  /// Where the next write stands in the order of all writes: the sequence of its batch, and a number that
  /// grows with every write of the batch. Whoever writes something at once has it for himself for ever.
  package var nextPlace: (sequence: SequenceNumber, ordinal: UInt32) {
    (sequencer.nextSequence, UInt32(clamping: sequencer.payloadByteCount))
  }
}
