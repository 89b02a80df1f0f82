/// A commit sequence number: the order in which batches become visible, dense and never reused.
public typealias SequenceNumber = UInt64
