/// A transaction's id, never reused in the life of a store.
///
/// The epoch is incremented at every open and is durable before the first record that carries it. So the counter,
/// which restarts with each epoch, cannot repeat an id.
public struct TransactionID: Hashable, Sendable, BitwiseCopyable {
  /// The epoch of the log: how many times it had been opened.
  public var epoch: UInt32
  /// The transaction's number within its epoch, from 1.
  public var counter: UInt64

  /// The transaction `counter` of `epoch`.
  public init(epoch: UInt32, counter: UInt64) {
    self.epoch = epoch
    self.counter = counter
  }
}

extension TransactionID: CustomStringConvertible {
  /// `epoch.counter`, both in decimal.
  public var description: String { "\(epoch).\(counter)" }
}
