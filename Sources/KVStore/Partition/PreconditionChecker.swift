/// Checks preconditions against the newest versions of keys, for the sequencer thread.
///
/// Sound as `@unchecked Sendable`: only the sequencer uses it.
final class PreconditionChecker: @unchecked Sendable {
  /// The reader of the evaluation whose batch has preconditions. Nil if it has none: then prepare need not
  /// look for any.
  private var reader: Reader?
  private(set) var failure: StoreError?

  var isAsked: Bool { reader != nil }

  func ask(_ reader: Reader) { self.reader = reader }

  /// Called at the end of an evaluation.
  func forget() { if isAsked { reader = nil } }

  func holds(
    _ condition: Precondition, for address: EntryAddress, in partition: Partition
  ) throws(StoreError) -> Bool {
    guard let reader else { preconditionFailure("the evaluation has no preconditions") }
    let found = try reader.sequence(of: address, in: partition.index, at: .max)
    return switch condition {
    case .absent: found == 0
    case .present: found != 0
    case .sequence(let expected): found == expected
    }
  }

  func noteFailure(_ error: StoreError) {
    failure = error
  }

  func takeFailure() -> StoreError? {
    defer { failure = nil }
    return failure
  }
}
