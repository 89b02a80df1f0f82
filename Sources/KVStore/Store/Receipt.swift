/// The place of a batch in the order of all, given before the batch is durable.
public struct Receipt: Sendable, Equatable {
  /// The batch is durable once `Store.durablePosition` has come this far.
  public let position: UInt64
  /// The order in which batches become visible.
  public let sequence: SequenceNumber
}
