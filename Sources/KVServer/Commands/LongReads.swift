import Base
import KVStore
import Synchronization
import TxnWAL

/// Reading commands that walk over more than an event loop should, carried out on threads of their own, so that only the
/// client that asked waits.
///
/// A command that may be one (`Command.Flags.scans`) first runs on its event loop, with a limit on the steps of its
/// walks, which nearly all stay below. One that reaches it has replied nothing that anyone saw: it is begun anew here,
/// with a reader of its own and hence over one cut, while its connection waits (`Call.Disposition.waiting`). A
/// connection that closes, a stop and a reload end it.
///
/// There are few threads, because each takes a share of the processors that the event loops need; those that find none
/// free wait for one, first come first served.
final class LongReads: Sendable {
  private static let threadLimit = 8

  private struct State {
    var waiting: [LongRead] = []
    var running: [LongRead] = []
    var isFinishing = false
  }

  private let locked = Lock(State())
  /// Told when a thread is about to end.
  private let ended = Monitor()

  /// Runs `handler` of the command under way, on the event loop if it stays short and on another thread if not.
  @inline(never)
  static func run(
    _ handler: Command.ReadHandler, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.hasScanned = true
    if let read = call.session.longRead {
      guard try finish(read, &call) else { return }
    }
    let start = call.reply.count
    call.reader.pace.limit(to: call.server.options.inlineStepCount)
    defer { call.reader.pace.lift() }
    var view = ReadView(reader: call.reader, through: call.through)
    do throws(StoreError) {
      try handler(&view, &call, request)
    } catch .walkStopped {
      call.reply.takeBack(to: start)
      call.reader.forgetExpired()
      call.session.longRead = call.server.longReads.begin(call, request)
      call.disposition = .waiting
      return
    }
    if call.reader.hasMetExpired { call.removeExpiredMet(holdingFrom: start) }
  }

  /// Takes over the reply of a command that was begun, if it is there. True if the command must begin again, because
  /// it was ended in the middle.
  private static func finish(_ read: LongRead, _ call: inout Call) throws(StoreError) -> Bool {
    // A large reply is not copied behind others: it waits until those are sent.
    guard read.isDone, call.reply.count == 0 || !read.isLarge else {
      call.disposition = .waiting
      return false
    }
    call.session.longRead = nil
    call.meter.add(read.ticks)
    switch read.error {
    case nil: break
    case .walkStopped?: return true
    case let error?: throw error
    }
    let start = call.reply.count
    call.reply.append(&read.reply)
    if !read.expired.isEmpty {
      call.remove(expired: read.expired, andMore: read.hasMoreExpired, holdingFrom: start)
    }
    return false
  }

  private func begin(_ call: borrowing Call, _ request: RawSpan) -> LongRead {
    let read = LongRead(call, request)
    call.server.longReadCount.add(1, ordering: .relaxed)
    start(read, call.server)
    return read
  }

  private func start(_ read: LongRead, _ server: ServerState) {
    let isStarted = locked.withLock { state in
      guard !state.isFinishing else { return false }
      guard state.running.count < Self.threadLimit else {
        state.waiting.append(read)
        return true
      }
      state.running.append(read)
      do throws(WorkerThread.Refusal) {
        _ = try WorkerThread(attempting: "kvd-read") { self.run(read, server) }
        return true
      } catch {
        state.running.removeLast()
        return false
      }
    }
    if !isStarted { read.giveUp() }
  }

  private func run(_ first: LongRead, _ server: ServerState) {
    System.makeThreadYield()
    var next: LongRead? = first
    while let read = next {
      read.run(server)
      next = locked.withLock { state in
        state.running.removeAll { $0 === read }
        guard !state.waiting.isEmpty else { return nil }
        let next = state.waiting.removeFirst()
        state.running.append(next)
        return next
      }
    }
    ended.withLock { ended.broadcast() }
  }

  /// Ends what is under way, and returns once it has ended. Nothing is begun afterwards.
  func finish() {
    let given = locked.withLock { state in
      state.isFinishing = true
      for read in state.running { read.cancel() }
      defer { state.waiting = [] }
      return state.waiting
    }
    for read in given { read.giveUp() }
    ended.withLock {
      while locked.withLock({ !$0.running.isEmpty }) { ended.wait() }
    }
  }
}
