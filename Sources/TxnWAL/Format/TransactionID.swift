/// The name of a transaction, never used twice in the life of a store.
///
/// The epoch is durable before the first record that carries it and one more at every open, so a
/// counter that starts again from zero cannot meet an older transaction of the same name.
public struct TransactionID: Hashable, Sendable, BitwiseCopyable {
  /// How many times the log had been opened.
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
