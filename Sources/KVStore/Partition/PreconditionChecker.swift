/// Looks at the newest versions of keys, for the thread that is the sequencer.
///
/// Sound as `@unchecked Sendable`: only the sequencer uses it.
final class PreconditionChecker: @unchecked Sendable {
  let reader: Reader
  /// Whether the batch being evaluated has conditions: if not, preparing it need not look for them.
  var isAsked = false
  private(set) var failure: StoreError?

  init(reader: Reader) {
    self.reader = reader
  }

  func holds(
    _ condition: Precondition, for key: RawSpan, in partition: Partition
  ) throws(StoreError) -> Bool {
    let found = try reader.sequence(of: key, in: partition.index, at: .max)
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
