/// A commit sequence number: the order in which batches become visible. Never reused, and dense except where
/// an open skips numbers that the log may have lost.
public typealias SequenceNumber = UInt64
