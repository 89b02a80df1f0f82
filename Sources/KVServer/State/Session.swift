import Base
import KVStore

/// What the protocol remembers of one connection: its number and name, the transaction being queued,
/// the keys watched, and its newest write.
///
/// It belongs to the event loop of its connection; what other threads may see of it is in `record`.
final class Session {
  let record: ClientRecord
  var transaction: Transaction?
  /// The keys watched, with what each was like.
  private(set) var watches: [[UInt8]: KeyWatch] = [:]
  /// The checkpoint that this connection waits for.
  var checkpoint: CheckpointTicket?
  /// The work of its command that is done on another thread.
  var sideTicket: SideTicket?
  /// The command that is carried out for it on a thread of its own.
  var longRead: LongRead?
  /// How many reloads there had been when it asked for one.
  var reloadsBefore: Int?
  /// Its command waits until range deletes have been carried out.
  var awaitsRangeDeletes = false
  /// Until when its command waits, in milliseconds of the monotonic clock.
  var waitsUntil: Int64?
  /// What it is told in MONITOR.
  var feed: MonitorFeed?
  /// The newest batch that this connection has written or whose outcome it was told of.
  var newest: Receipt?
  /// What the parked request was found to write when it was last tried; 0 if that is not known.
  var neededByteCount = 0
  /// What the request that waits for room is expected to write, or `neededByteCount` where that is known.
  private var awaitedByteCount = 0
  private var awaitsRoomForDeletes = false
  private var watchedByteCount = 0
  private static let watchOverheadByteCount = 256

  /// Who it is; nil before the first request.
  var user: User?
  /// Has logged in, or came when nobody had to.
  var isAuthenticated = false
  /// Must log in before anything else.
  var needsLogin = false
  var replyMode = ReplyMode.on
  /// Something has to be looked at before each request, or done behind it; if false, nothing has.
  var isGated = false
  /// Of which state of the gate the above tells.
  var gateRevision: UInt64 = 0
  /// A reply was larger than all that may wait to be sent to it.
  var hasOverflowed = false
  /// Its next request waits for the end of a pause.
  var isPaused = false
  /// Of which revision of the gate that was so.
  var pausedRevision: UInt64 = 0

  init(record: ClientRecord) { self.record = record }

  var id: UInt64 { record.id }

  /// What queued commands and watches take, about.
  var byteCount: Int { watchedByteCount + (transaction?.byteCount ?? 0) }

  /// Its request waits for room in the store.
  func awaitRoom(byteCount: Int, onlyDeletes: Bool) {
    awaitedByteCount = byteCount
    awaitsRoomForDeletes = onlyDeletes
  }

  /// Whether there is room for it now, or an error that it is to be told.
  func mayHaveRoom(in store: Store) -> Bool {
    let isMeasured = neededByteCount > 0
    do throws(StoreError) {
      return try store.tryAdmit(
        byteCount: isMeasured ? neededByteCount : awaitedByteCount,
        onlyDeletes: awaitsRoomForDeletes, isMeasured: isMeasured)
    } catch {
      return true
    }
  }

  /// Remembers `key` with what it is like; the first time counts.
  func watch(_ key: [UInt8], as begin: () throws(StoreError) -> KeyWatch) throws(StoreError) {
    guard watches[key] == nil else { return }
    watches[key] = try begin()
    watchedByteCount += key.count + Self.watchOverheadByteCount
  }

  func unwatch() {
    watches = [:]
    watchedByteCount = 0
  }

  /// Nobody waits for the command under way any more.
  func cancelLongRead() {
    longRead?.cancel()
    longRead = nil
  }

  /// Its request waits no more, for whatever it was, or was refused meanwhile: the next one must find nothing of it,
  /// above all not what it would have been told.
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

/// The commands queued between MULTI and EXEC: their bytes one after another, and where in them the
/// arguments are.
struct Transaction {
  struct Queued {
    let command: Int
    let arguments: Range<Int>
  }

  private(set) var bytes: [UInt8] = []
  private(set) var arguments: [Range<Int>] = []
  private(set) var queued: [Queued] = []
  /// A command was refused while queueing: EXEC will refuse the rest.
  var hasFailed = false

  /// What it takes, about: arrays may have grown to twice what is in them.
  var byteCount: Int {
    bytes.capacity + arguments.capacity * MemoryLayout<Range<Int>>.size
      + queued.capacity * MemoryLayout<Queued>.size
  }

  /// Adds a request; false if that would make the transaction larger than a batch may be.
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
