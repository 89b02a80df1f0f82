import Base
import Synchronization

/// How far things have come, readable by any thread at any time without a lock.
///
///     applied ≤ durable ≤ acknowledged ≤ appended
///
/// With synchronous durability `acknowledged` and `durable` move as one.
public final class Watermarks: Sendable {
  private let appendedLSN = Atomic<UInt64>(0)
  private let durableLSN = Atomic<UInt64>(0)
  private let acknowledgedLSN = Atomic<UInt64>(0)
  private let publishedSequence = Atomic<UInt64>(0)
  private let durableBatches = Atomic<UInt64>(0)

  /// Marks for a log that is about to be opened.
  public init() {}

  /// Everything before this position is in the log's buffer at least.
  public var appended: LSN { LSN(rawValue: appendedLSN.load(ordering: .acquiring)) }

  /// Everything before this position has survived a sync.
  public var durable: LSN { LSN(rawValue: durableLSN.load(ordering: .acquiring)) }

  /// Everything before this position may be acknowledged, as the durability in force has it.
  public var acknowledged: LSN { LSN(rawValue: acknowledgedLSN.load(ordering: .acquiring)) }

  /// Every batch up to this sequence is visible, at all participants at once.
  public var published: UInt64 { publishedSequence.load(ordering: .acquiring) }

  /// Every batch up to this sequence has survived a sync; with periodic durability fewer than are
  /// visible. Read after `durable`, it is not less than that of any batch before that position.
  var durableSequence: UInt64 { durableBatches.load(ordering: .acquiring) }

  func moveAppended(to lsn: LSN) {
    appendedLSN.store(lsn.rawValue, ordering: .releasing)
  }

  func moveDurable(to lsn: LSN, sequence: UInt64) {
    durableBatches.store(sequence, ordering: .releasing)
    durableLSN.store(lsn.rawValue, ordering: .releasing)
  }

  /// Publishes first: whoever sees a position acknowledged sees its batch.
  func acknowledge(_ lsn: LSN, publishing sequence: UInt64) {
    publishedSequence.store(sequence, ordering: .releasing)
    acknowledgedLSN.store(lsn.rawValue, ordering: .releasing)
  }
}
