/// A condition on which a batch depends. It is checked when the batch is prepared, after everything ordered before it.
public enum Precondition: Sendable, Equatable {
  /// The key has no value.
  case absent
  /// The key has a value.
  case present
  /// The key's value was written by the batch with this sequence; 0 means that the key has no value.
  case sequence(SequenceNumber)
}
