/// What every evaluation of a store works with, one object so that an evaluation holds one reference.
///
/// Sound as `@unchecked Sendable`: used only inside `Coordinator.sequence`.
final class EvaluationContext: @unchecked Sendable {
  let keyspace: Keyspace
  let own: OwnWrites
  let preconditions: PreconditionChecker
  let reader: Reader

  init(keyspace: Keyspace) {
    self.keyspace = keyspace
    own = OwnWrites(keyspace)
    reader = Reader(keyspace)
    preconditions = PreconditionChecker(reader: reader)
  }

  /// Makes everything ready for the next evaluation.
  func begin() {
    own.reset()
    reader.expiry.begin()
    preconditions.isAsked = false
  }
}
