import Base
import KVStore

/// The protocol state of one connection: its user, the transaction being queued, the watched keys, its newest
/// write, and what its current command waits for.
///
/// It belongs to the event loop of its connection. What other threads may see is in `record`.
final class Session {
  let record: ClientRecord
  var transaction: Transaction?
  /// The watched keys, each with its state when WATCH looked it up.
  private(set) var watches: [[UInt8]: KeyWatch] = [:]
  /// The checkpoint that this connection waits for.
  var checkpoint: CheckpointTicket?
  /// The work of its command that is done on the side thread.
  var sideTicket: BackgroundTask?
  /// The long read of its command.
  var longRead: LongRead?
  /// How many reloads there had been when it asked for one.
  var reloadsBefore: Int?
  /// Its command waits until range deletes have been carried out.
  var awaitsRangeDeletes = false
  /// Until when its command waits, in milliseconds of the monotonic clock.
  var waitsUntil: Int64?
  /// What MONITOR sends it.
  var feed: MonitorFeed?
  /// The newest batch that this connection has written, or whose effects it may have seen.
  var newest: Receipt?
  /// How many bytes the parked request needed on its last attempt; 0 if that is not known.
  var neededByteCount = 0
  /// How many bytes the parked request waits for: `neededByteCount`, or an estimate if that is not known.
  private var awaitedByteCount = 0
  private var awaitsRoomForDeletes = false
  private var watchedByteCount = 0
  private static let watchOverheadByteCount = 256

  /// The user of the connection; nil before the first request.
  var user: User?
  /// Has logged in, or connected when that was not required.
  var isAuthenticated = false
  /// Must log in before anything else.
  var needsLogin = false
  var replyMode = ReplyMode.on
  /// Each request must be checked before it runs, or needs work after it. If false, neither is the case.
  var isGated = false
  /// The gate's revision that the above reflects.
  var gateRevision: UInt64 = 0
  /// A reply was larger than the limit of unsent bytes.
  var hasOverflowed = false
  /// Its next request waits for the end of a pause or a reload.
  var isPaused = false
  /// The gate's revision when `isPaused` was determined.
  var pausedRevision: UInt64 = 0

  init(record: ClientRecord) { self.record = record }

  var id: UInt64 { record.id }

  /// About how much memory queued commands and watches take.
  var byteCount: Int { watchedByteCount + (transaction?.byteCount ?? 0) }

  /// Records that its request waits for room in the store.
  func awaitRoom(byteCount: Int, onlyDeletes: Bool) {
    awaitedByteCount = byteCount
    awaitsRoomForDeletes = onlyDeletes
  }

  /// Whether to retry its parked request: there is room for it now, or an error to report.
  func shouldRetryParked(in store: Store) -> Bool {
    let isMeasured = neededByteCount > 0
    do throws(StoreError) {
      return try store.tryAdmit(
        byteCount: isMeasured ? neededByteCount : awaitedByteCount,
        onlyDeletes: awaitsRoomForDeletes, isMeasured: isMeasured)
    } catch {
      return true
    }
  }

  /// Watches `key` in the state that `begin` returns. A key that is already watched keeps its first state.
  func watch(_ key: [UInt8], as begin: () throws(StoreError) -> KeyWatch) throws(StoreError) {
    guard watches[key] == nil else { return }
    watches[key] = try begin()
    watchedByteCount += key.count + Self.watchOverheadByteCount
  }

  func unwatch() {
    watches = [:]
    watchedByteCount = 0
  }

  /// Cancels the long read of a command whose reply is no longer wanted.
  func cancelLongRead() {
    longRead?.cancel()
    longRead = nil
  }

  /// Clears whatever its request waited for, because that has ended or the request was refused. The next
  /// request must not find any of it, above all not the reply that was meant for this one.
  func endWaiting() {
    cancelLongRead()
    sideTicket = nil
    checkpoint = nil
    reloadsBefore = nil
    waitsUntil = nil
    awaitsRangeDeletes = false
    neededByteCount = 0
  }

  func endTransaction() {
    transaction = nil
    record.queuedCount.store(-1, ordering: .relaxed)
    unwatch()
  }
}

/// The commands queued between MULTI and EXEC: their bytes, one after another, and where the arguments are in
/// them.
struct Transaction {
  struct Queued {
    let command: Int
    let arguments: Range<Int>
  }

  private(set) var bytes: [UInt8] = []
  private(set) var arguments: [Range<Int>] = []
  private(set) var queued: [Queued] = []
  /// A command was refused while queueing, so EXEC will discard the transaction.
  var hasFailed = false

  /// About how much memory it takes: arrays may have grown to twice their content.
  var byteCount: Int {
    bytes.capacity + arguments.capacity * MemoryLayout<Range<Int>>.size
      + queued.capacity * MemoryLayout<Queued>.size
  }

  /// Adds a request. Returns false if that would make the transaction larger than a batch may be.
  mutating func append(
    command: Int, _ arguments: [Range<Int>], in request: RawSpan, limit: Int
  ) -> Bool {
    let total = arguments.reduce(0) { $0 + $1.count + 16 }
    guard bytes.count + self.arguments.count * 16 + total <= limit else { return false }
    let first = self.arguments.count
    for argument in arguments {
      let start = bytes.count
      bytes.append(copying: request.extracting(argument))
      self.arguments.append(start..<bytes.count)
    }
    queued.append(Queued(command: command, arguments: first..<self.arguments.count))
    return true
  }
}
