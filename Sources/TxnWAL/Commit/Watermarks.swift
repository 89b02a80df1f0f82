import Base
import Synchronization

/// The log's watermarks, readable by any thread at any time without a lock.
///
///     applied ≤ durable ≤ acknowledged ≤ appended
///
/// With synchronous durability `acknowledged` and `durable` move together.
public final class Watermarks: Sendable {
  private let appendedLSN = Atomic<UInt64>(0)
  private let durableLSN = Atomic<UInt64>(0)
  private let acknowledgedLSN = Atomic<UInt64>(0)
  private let publishedSequence = Atomic<UInt64>(0)
  private let durableBatches = Atomic<UInt64>(0)

  /// Watermarks for a log that is about to be opened.
  public init() {}

  /// Everything before this LSN is at least in the log buffer.
  public var appended: LSN { LSN(rawValue: appendedLSN.load(ordering: .acquiring)) }

  /// Everything before this LSN has survived a sync.
  public var durable: LSN { LSN(rawValue: durableLSN.load(ordering: .acquiring)) }

  /// Everything before this LSN may be acknowledged under the current durability mode.
  public var acknowledged: LSN { LSN(rawValue: acknowledgedLSN.load(ordering: .acquiring)) }

  /// Every batch up to this sequence is visible, at all participants at once.
  public var published: UInt64 { publishedSequence.load(ordering: .acquiring) }

  /// Every batch up to this sequence has survived a sync. With periodic durability it may be less than `published`.
  /// If read after `durable`, it is not less than the sequence of any batch before that LSN.
  var durableSequence: UInt64 { durableBatches.load(ordering: .acquiring) }

  func moveAppended(to lsn: LSN) {
    appendedLSN.store(lsn.rawValue, ordering: .releasing)
  }

  func moveDurable(to lsn: LSN, sequence: UInt64) {
    durableBatches.store(sequence, ordering: .releasing)
    durableLSN.store(lsn.rawValue, ordering: .releasing)
  }

  /// Publishes first, so that a reader that sees an LSN acknowledged also sees its batch.
  func acknowledge(_ lsn: LSN, publishing sequence: UInt64) {
    publishedSequence.store(sequence, ordering: .releasing)
    acknowledgedLSN.store(lsn.rawValue, ordering: .releasing)
  }
}
