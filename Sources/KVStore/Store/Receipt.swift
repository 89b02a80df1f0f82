/// The place of a batch in the order of all batches, known before the batch is durable.
public struct Receipt: Sendable, Equatable {
  /// The batch is durable once `Store.durablePosition` has reached this.
  public let position: UInt64
  /// The sequence of the batch: batches become visible in this order.
  public let sequence: SequenceNumber
}
