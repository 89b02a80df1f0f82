import KVData
import KVStore
import Synchronization

/// One command that is carried out on a thread of its own, and its reply once it is there.
///
/// Sound as `@unchecked Sendable`: what is not constant is written by that thread before `done` is set, and used by
/// the connection's event loop after it has seen that.
final class LongRead: @unchecked Sendable {
  /// A reply that is larger waits until there is no other before it, instead of being copied.
  private static let copiedByteCount = 4 << 20

  private let command: Int
  private let request: [UInt8]
  private let arguments: [Range<Int>]
  private let through: SequenceNumber
  private let replyByteLimit: Int
  private let isRESP3: Bool
  private let user: User?
  private let record: ClientRecord
  private let handle: LoopHandle
  private let isCancelled = Atomic<Bool>(false)
  private let done = Atomic<Bool>(false)

  var reply = ReplyWriter()
  private(set) var error: StoreError?
  /// How long it took, in ticks of `TickClock`.
  private(set) var ticks: UInt64 = 0
  /// The keys that it met that had expired, or the first of them.
  private(set) var expired: [[UInt8]] = []
  private(set) var hasMoreExpired = false

  /// The command that is under way in `call`.
  init(_ call: borrowing Call, _ request: RawSpan) {
    command = call.command
    self.request = [UInt8](copying: request)
    arguments = call.arguments
    through = call.through
    replyByteLimit = max(0, call.reply.limit - call.reply.count)
    isRESP3 = call.reply.isRESP3
    user = call.session.user
    record = call.session.record
    handle = call.handle
  }

  var isDone: Bool { done.load(ordering: .acquiring) }

  /// To be asked once it is done.
  var isLarge: Bool { reply.count > Self.copiedByteCount }

  /// Nobody wants the reply any more.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  /// Ends it before it has begun.
  func giveUp() {
    error = .walkStopped
    complete()
  }

  /// Carries it out, on the thread of the caller.
  func run(_ server: ServerState) {
    let clock = TickClock.standard
    let begun = clock.now
    let session = Session(record: record)
    session.user = user
    var call = Call(
      server: server, counters: LoopCounters(), statistics: server.longReadStatistics,
      handle: handle, session: session)
    call.command = command
    call.arguments = arguments
    call.isOnThreadOfItsOwn = true
    call.reply.isRESP3 = isRESP3
    call.reply.limit = replyByteLimit
    call.reader.pace.stop { self.isCancelled.load(ordering: .relaxed) }
    do throws(StoreError) {
      guard case .read(let handler, _) = server.table.commands[command].handler else {
        preconditionFailure("a command that does not only read")
      }
      try request.withRawBytes { (request) throws(StoreError) in
        var view = ReadView(reader: call.reader, through: through)
        try handler(&view, &call, request)
      }
    } catch {
      self.error = error
    }
    expired = call.reader.expiredMet
    hasMoreExpired = call.reader.expiredMetCount > expired.count
    call.reader.end()
    call.reader.close()
    swap(&call.reply, &reply)
    ticks = clock.now &- begun
    complete()
  }

  private func complete() {
    done.store(true, ordering: .releasing)
    handle.signal()
  }
}
