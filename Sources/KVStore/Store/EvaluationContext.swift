/// What all evaluations of a store share, in one object, so that an evaluation holds a single reference.
///
/// Sound as `@unchecked Sendable`: used only inside `Coordinator.sequence`.
final class EvaluationContext: @unchecked Sendable {
  let partitionSet: PartitionSet
  let own: TransactionWrites
  let preconditions = PreconditionChecker()
  let related = DependentEntriesSlot()
  /// For callers without a reader of their own.
  let reader: Reader
  /// Why the current evaluation has failed, if it has.
  var failure: StoreError?

  init(partitionSet: PartitionSet) {
    self.partitionSet = partitionSet
    own = TransactionWrites(partitionSet)
    reader = Reader(partitionSet)
  }

  /// Prepares an evaluation that reads with `reader`.
  func begin(_ reader: Reader) {
    own.reset()
    reader.beginEvaluation()
  }

  func end(_ reader: Reader) {
    reader.endEvaluation()
    preconditions.forget()
  }
}
