import Base
import KVStore
import Synchronization

/// Reading commands that are too long for an event loop. They run on threads of their own, so that only their
/// clients wait.
///
/// A command that may be one (`Command.Flags.scans`, or many names with `looksUpMany`) first runs on its event
/// loop, with a limit on the steps of its walks. Nearly all commands stay below it. One that reaches it has
/// sent no reply yet. It starts over here, with a reader of its own and therefore on one consistent cut, while
/// its connection waits (`Call.Disposition.waiting`). It is stopped if the connection closes, the server stops
/// or the store is reloaded.
///
/// There are few threads, because they compete with the event loops for processors. Commands that find none
/// free wait for one (`ReadQueue`).
final class LongReads: Sendable {
  private static let threadLimit = 8

  private struct State {
    var queue = ReadQueue<LongRead>(threadLimit: LongReads.threadLimit)
    var isFinishing = false
  }

  private let locked = Lock(State())
  /// Signalled when a thread is about to end.
  private let ended = Monitor()

  /// Runs `handler` for the current command: on the event loop if it stays short, otherwise on another thread.
  @inline(never)
  static func run(
    _ handler: Command.ReadHandler, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if let read = call.session.longRead {
      guard try finish(read, &call) else { return }
    }
    let start = call.reply.count
    call.isResuming = false
    call.reader.pace.limit(to: call.server.options.inlineStepCount)
    defer { call.reader.pace.lift() }
    var view = ReadView(reader: call.reader, through: call.through)
    do throws(StoreError) {
      try handler(&view, &call, request)
    } catch .walkStopped {
      call.reply.takeBack(to: start)
      call.reader.forgetExpired()
      guard let read = call.server.longReads.begin(call, request) else {
        return call.reply.error(BufferMemory.refusal)
      }
      call.session.longRead = read
      call.disposition = .waiting
      return
    }
    if call.reader.hasMetExpired { call.removeExpiredMet(holdingFrom: start) }
  }

  /// Takes over the reply of a long read if it is done. Returns true if the command must start over because the
  /// read was stopped.
  private static func finish(_ read: LongRead, _ call: inout Call) throws(StoreError) -> Bool {
    // A large reply is not copied after other replies: it waits until those are sent.
    guard read.isDone, call.reply.count == 0 || !read.isLarge else {
      call.disposition = .waiting
      return false
    }
    call.session.longRead = nil
    call.meter.add(read.ticks)
    guard !read.isRefused else {
      call.reply.error(
        "ERR cannot start a thread for this slow command: raise the process limit (ulimit -u) or try again later"
      )
      return false
    }
    switch read.error {
    case nil: break
    case .walkStopped?: return true
    case let error?: throw error
    }
    let start = call.reply.count
    call.reply.append(&read.reply)
    read.giveBack()
    if call.reply.isOverflowing {
      // The error states the room that this read had. The next may have more.
      let limit = min(call.reply.limit, start + read.replyRoom)
      call.refuseReply(from: start, limit: read.isShortOfMemory ? limit : nil)
    }
    if !read.expired.isEmpty {
      call.remove(expired: read.expired, andMore: read.hasMoreExpired, holdingFrom: start)
    }
    return false
  }

  /// Begins a long read for the current command. Nil if there is no memory for it.
  private func begin(_ call: borrowing Call, _ request: RawSpan) -> LongRead? {
    guard let read = LongRead(call, request, in: self) else { return nil }
    let server = call.server
    server.longReadCount.add(1, ordering: .relaxed)
    let refused = locked.withLock { state -> [LongRead]? in
      guard !state.isFinishing else { return nil }
      state.queue.append(read)
      return startThreads(&state, server)
    }
    if let refused { refuse(refused) } else { read.giveUp() }
    return read
  }

  /// Starts threads for the reads that may run. If the system has no more threads, reads wait for a running one
  /// to end. If none is running, returns all waiting reads: they must be refused.
  private func startThreads(_ state: inout State, _ server: ServerState) -> [LongRead] {
    while let read = state.queue.takeNext() {
      do throws(IOError) {
        _ = try WorkerThread(attempting: "kvd-read") { self.run(read, server) }
      } catch {
        state.queue.putBack(read)
        return state.queue.running.isEmpty ? state.queue.takeWaiting() : []
      }
    }
    return []
  }

  private func refuse(_ reads: [LongRead]) {
    for read in reads { read.refuse() }
  }

  private func run(_ first: LongRead, _ server: ServerState) {
    System.lowerThreadPriority()
    var next: LongRead? = first
    while let read = next {
      read.run(server)
      let (taken, refused) = locked.withLock { state -> (LongRead?, [LongRead]) in
        state.queue.didEnd(read)
        let taken = state.queue.takeNext()
        return (taken, startThreads(&state, server))
      }
      refuse(refused)
      next = taken
    }
    ended.withLock { ended.broadcast() }
  }

  /// Removes a read that is no longer wanted.
  func remove(_ read: LongRead) { locked.withLock { $0.queue.remove(read) } }

  /// How many run, and how many wait for a thread.
  var counts: (running: Int, waiting: Int) {
    locked.withLock { ($0.queue.running.count, $0.queue.waitingCount) }
  }

  /// Stops all reads and returns once they have ended. None begins after that.
  func finish() {
    let given = locked.withLock { state in
      state.isFinishing = true
      for read in state.queue.running { read.stop() }
      return state.queue.takeWaiting()
    }
    for read in given { read.giveUp() }
    ended.withLock {
      while locked.withLock({ !$0.queue.running.isEmpty }) { ended.wait() }
    }
  }
}
