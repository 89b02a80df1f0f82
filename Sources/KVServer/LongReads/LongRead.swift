import Base
import KVData
import KVStore
import Synchronization

/// One command that runs on a thread of its own, and its reply once that is complete.
///
/// Its memory counts as client memory: the copy of its request from the start, and the room for its reply even
/// before that is written. Few replies are large, so the first attempt gets little room. If the reply needs
/// more, the command starts over with more room; nobody has seen the dropped reply. All attempts together cost
/// little more than the last one, unless the command reads much more than it replies.
///
/// Sound as `@unchecked Sendable`: what is not constant is written by that thread before `done` is set, and
/// used by the connection's event loop after it has seen that.
final class LongRead: QueuedRead, @unchecked Sendable {
  /// A larger reply is not copied: it waits until no other reply comes before it.
  private static let copiedByteCount = 4 << 20
  private static let firstReplyByteCount = 4 << 20
  private static let replyGrowth = 8

  let owner: ReadOwner
  let isResumption: Bool
  private let reads: LongReads
  private let memory: BufferMemory
  /// How many bytes are charged to `memory` for this read.
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
  /// No thread could be started for it.
  private(set) var isRefused = false
  /// The size that the reply could grow to. Less than the client may be sent if memory was short.
  private(set) var replyRoom = 0
  var isShortOfMemory: Bool { replyRoom < replyByteLimit }
  /// How long it took, in ticks of `TickClock`.
  private(set) var ticks: UInt64 = 0
  /// The expired keys that it met, or the first of them.
  private(set) var expired: [[UInt8]] = []
  private(set) var hasMoreExpired = false

  /// A read for the current command of `call`. Nil if there is no memory for it.
  init?(_ call: borrowing Call, _ request: RawSpan, in reads: LongReads) {
    let memory = call.server.memory
    let byteCount = Self.byteCount(of: request.byteCount, call.arguments.count)
    guard byteCount <= BufferMemory.ungatedByteCount || memory.hasRoom(for: byteCount) else {
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

  /// Ends the charge for its memory: that was freed, or is charged to the connection from here on.
  func giveBack() { account(0) }

  var isDone: Bool { done.load(ordering: .acquiring) }

  /// Valid once it is done.
  var isLarge: Bool { reply.count > Self.copiedByteCount }

  /// Cancels the read: its reply is no longer wanted.
  func cancel() {
    stop()
    reads.remove(self)
  }

  /// Makes it end soon if it is running.
  func stop() { isCancelled.store(true, ordering: .relaxed) }

  /// Ends it before it has begun. Its connection runs the command again.
  func giveUp() {
    error = .walkStopped
    complete()
  }

  /// Ends it before it has begun, with an error for the client.
  func refuse() {
    isRefused = true
    complete()
  }

  /// Runs the command on the caller's thread.
  func run(_ server: ServerState) {
    let clock = TickClock.standard
    let begun = clock.now
    replyRoom = min(replyByteLimit, BufferMemory.ungatedByteCount)
    account(requestByteCount + replyRoom)
    growRoom(to: Self.firstReplyByteCount)
    repeat { attempt(server) } while reply.isOverflowing && error == nil && mayRetry()
    request = []
    arguments = []
    account(reply.bytes.capacity)
    ticks = clock.now &- begun
    complete()
  }

  /// Gets more room for the reply. Returns whether that is enough for another attempt.
  private func mayRetry() -> Bool {
    guard replyRoom < replyByteLimit, !isCancelled.load(ordering: .relaxed) else { return false }
    let before = replyRoom
    growRoom(to: before * Self.replyGrowth)
    // Starting over for a little more room is not worth it.
    return replyRoom == replyByteLimit || replyRoom >= 2 * before
  }

  /// Grows the room for the reply towards `byteCount`, as far as there is memory.
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
      LoopResources(
        server: server, counters: LoopCounters(), statistics: server.longReadStatistics,
        handle: handle),
      session: session)
    call.command = command
    call.arguments = arguments
    call.isLongRead = true
    call.reply.isRESP3 = isRESP3
    call.reply.limit = replyRoom
    call.reader.pace.stop { self.isCancelled.load(ordering: .relaxed) }
    do throws(StoreError) {
      guard case .read(let handler, _) = server.table.commands[command].handler else {
        preconditionFailure("not a read-only command")
      }
      try request.withRawBytes { (request) throws(StoreError) in
        var view = ReadView(reader: call.reader, through: through)
        try handler(&view, &call, request)
      }
    } catch {
      self.error = error
    }
    expired = call.reader.expiredKeysSeen
    hasMoreExpired = call.reader.expiredKeysSeenCount > expired.count
    call.reader.end()
    call.reader.close()
    swap(&call.reply, &reply)
  }

  private func complete() {
    done.store(true, ordering: .releasing)
    handle.complete(record.id)
  }
}
