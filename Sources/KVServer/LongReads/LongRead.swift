import Base
import KVData
import KVStore
import Synchronization

/// One command that is carried out on a thread of its own, and its reply once it is there.
///
/// What it holds counts as memory of clients: the copy of its request from the beginning, its reply before it is written.
/// Few replies are large, so there is little room for one at first. A command whose reply turns out to need more has told
/// nobody anything, and is begun again with more room: all its tries together cost little more than the last, unless it
/// reads much more than it replies.
///
/// Sound as `@unchecked Sendable`: what is not constant is written by that thread before `done` is set, and used by
/// the connection's event loop after it has seen that.
final class LongRead: QueuedRead, @unchecked Sendable {
  /// A reply that is larger waits until there is no other before it, instead of being copied.
  private static let copiedByteCount = 4 << 20
  private static let firstReplyByteCount = 4 << 20
  private static let replyGrowth = 8

  let owner: ReadOwner
  let isResumption: Bool
  private let reads: LongReads
  private let memory: ClientMemory
  /// What is entered there for it.
  private var accountedByteCount = 0

  private let command: Int
  private var request: [UInt8]
  private var arguments: [Range<Int>]
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
  /// There was no thread to carry it out.
  private(set) var isRefused = false
  /// What the reply could grow to; less than the client may be sent where there was no more memory.
  private(set) var replyRoom = 0
  var isShortOfMemory: Bool { replyRoom < replyByteLimit }
  /// How long it took, in ticks of `TickClock`.
  private(set) var ticks: UInt64 = 0
  /// The keys that it met that had expired, or the first of them.
  private(set) var expired: [[UInt8]] = []
  private(set) var hasMoreExpired = false

  /// The command that is under way in `call`. Nil where there is no memory for it.
  init?(_ call: borrowing Call, _ request: RawSpan, in reads: LongReads) {
    let memory = call.server.memory
    let byteCount = Self.byteCount(of: request.byteCount, call.arguments.count)
    guard byteCount <= ClientMemory.ungatedByteCount || memory.hasRoom(for: byteCount) else {
      return nil
    }
    self.reads = reads
    self.memory = memory
    owner = ReadOwner(
      user: call.session.user?.name ?? User.defaultName, host: call.session.record.host)
    isResumption = call.isResuming
    command = call.command
    self.request = [UInt8](copying: request)
    arguments = call.arguments
    through = call.through
    replyByteLimit = max(0, call.reply.limit - call.reply.count)
    isRESP3 = call.reply.isRESP3
    user = call.session.user
    record = call.session.record
    handle = call.handle
    account(requestByteCount)
  }

  deinit { giveBack() }

  private var requestByteCount: Int { Self.byteCount(of: request.count, arguments.count) }

  private static func byteCount(of requestByteCount: Int, _ argumentCount: Int) -> Int {
    requestByteCount + argumentCount * MemoryLayout<Range<Int>>.size
  }

  private func account(_ byteCount: Int) {
    memory.change(by: byteCount - accountedByteCount)
    accountedByteCount = byteCount
  }

  /// What it held is gone, or the connection's from now on.
  func giveBack() { account(0) }

  var isDone: Bool { done.load(ordering: .acquiring) }

  /// To be asked once it is done.
  var isLarge: Bool { reply.count > Self.copiedByteCount }

  /// Nobody wants the reply any more.
  func cancel() {
    stop()
    reads.remove(self)
  }

  /// Has it end soon, if it runs.
  func stop() { isCancelled.store(true, ordering: .relaxed) }

  /// Ends it before it has begun; its connection begins again.
  func giveUp() {
    error = .walkStopped
    complete()
  }

  /// Ends it before it has begun, with an error for the client.
  func refuse() {
    isRefused = true
    complete()
  }

  /// Carries it out, on the thread of the caller.
  func run(_ server: ServerState) {
    let clock = TickClock.standard
    let begun = clock.now
    replyRoom = min(replyByteLimit, ClientMemory.ungatedByteCount)
    account(requestByteCount + replyRoom)
    growRoom(to: Self.firstReplyByteCount)
    repeat { attempt(server) } while reply.isOverflowing && error == nil && mayRetry()
    request = []
    arguments = []
    account(reply.bytes.capacity)
    ticks = clock.now &- begun
    complete()
  }

  /// Whether there is more room for the reply than there was.
  private func mayRetry() -> Bool {
    guard replyRoom < replyByteLimit, !isCancelled.load(ordering: .relaxed) else { return false }
    let before = replyRoom
    growRoom(to: before * Self.replyGrowth)
    // It is not begun again and again for a little more.
    return replyRoom == replyByteLimit || replyRoom >= 2 * before
  }

  /// Gives the reply as much of so much room as there is memory for.
  private func growRoom(to byteCount: Int) {
    let more = memory.reserve(upTo: max(0, min(byteCount, replyByteLimit) - replyRoom))
    accountedByteCount += more
    replyRoom += more
  }

  private func attempt(_ server: ServerState) {
    reply = ReplyWriter()
    let session = Session(record: record)
    session.user = user
    var call = Call(
      server: server, counters: LoopCounters(), statistics: server.longReadStatistics,
      handle: handle, session: session)
    call.command = command
    call.arguments = arguments
    call.isOnThreadOfItsOwn = true
    call.reply.isRESP3 = isRESP3
    call.reply.limit = replyRoom
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
  }

  private func complete() {
    done.store(true, ordering: .releasing)
    handle.signal()
  }
}
