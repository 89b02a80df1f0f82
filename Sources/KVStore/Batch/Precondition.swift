/// What must hold for a batch to be carried out; checked when it is prepared, after everything ordered
/// before it.
public enum Precondition: Sendable, Equatable {
  /// The key has no value.
  case absent
  /// The key has a value.
  case present
  /// The key's value was written by the batch with this sequence; 0 means that it has none.
  case sequence(SequenceNumber)
}
