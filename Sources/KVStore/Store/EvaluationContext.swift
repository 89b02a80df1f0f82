/// What every evaluation of a store works with, one object so that an evaluation holds one reference.
///
/// Sound as `@unchecked Sendable`: used only inside `Coordinator.sequence`.
final class EvaluationContext: @unchecked Sendable {
  let keyspace: Keyspace
  let own: OwnWrites
  let preconditions = PreconditionChecker()
  let related = RelatedEntriesSlot()
  /// For those who bring none.
  let reader: Reader
  /// Why the evaluation under way has failed, if it has.
  var failure: StoreError?

  init(keyspace: Keyspace) {
    self.keyspace = keyspace
    own = OwnWrites(keyspace)
    reader = Reader(keyspace)
  }

  /// Makes everything ready for an evaluation that reads with `reader`.
  func begin(_ reader: Reader) {
    own.reset()
    reader.beginEvaluation()
  }

  func end(_ reader: Reader) {
    reader.endEvaluation()
    preconditions.forget()
  }
}
