import Base

/// Work of commands that takes time outside the store, such as writing the files of users and of the
/// configuration. It is done on a separate thread, one item after another, while only the client that asked
/// waits.
final class BackgroundWork: Sendable {
  /// What the command does on its event loop when the work is done: it replies.
  typealias Completion = @Sendable (inout Call) -> Void

  private struct State {
    private var waiting: [BackgroundTask] = []
    private var head = 0
    var isRunning = false

    mutating func append(_ ticket: BackgroundTask) { waiting.append(ticket) }

    /// Amortized O(1) unless very many wait.
    mutating func takeFirst() -> BackgroundTask? {
      guard head < waiting.count else { return nil }
      defer {
        head += 1
        if head == waiting.count || head == 1024 {
          waiting.removeFirst(head)
          head = 0
        }
      }
      return waiting[head]
    }
  }

  private let locked = Lock(State())
  /// Signalled when the thread is about to end.
  private let ended = Monitor()

  fileprivate func begin(
    for waiter: BackgroundTask.Waiter?, _ work: @escaping @Sendable () -> Completion
  ) -> BackgroundTask {
    let ticket = BackgroundTask(waiter, work)
    let mustStart = locked.withLock { state in
      state.append(ticket)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard mustStart else { return ticket }
    do throws(IOError) {
      _ = try WorkerThread(attempting: "kvd-side") { self.run() }
    } catch {
      // There is no thread, so the work is done here and this event loop waits.
      run()
    }
    return ticket
  }

  /// Runs `work` with no command waiting for it.
  func begin(_ work: @escaping @Sendable () -> Void) {
    _ = begin(for: nil) { () -> Completion in
      work()
      return { _ in }
    }
  }

  /// Returns once all work is done. None may be added meanwhile.
  func finish() {
    ended.withLock {
      while locked.withLock({ $0.isRunning }) { ended.wait() }
    }
  }

  private func run() {
    while true {
      let next = locked.withLock { state -> BackgroundTask? in
        let next = state.takeFirst()
        state.isRunning = next != nil
        return next
      }
      guard let next else { break }
      next.run()
    }
    ended.withLock { ended.broadcast() }
  }
}

/// An item of work, and what to do when it is done.
final class BackgroundTask: Sendable {
  /// The connection that waits for it.
  struct Waiter {
    let handle: LoopHandle
    let connection: UInt64
  }

  private let waiter: Waiter?
  private let work: @Sendable () -> BackgroundWork.Completion
  private let state = Lock<BackgroundWork.Completion?>(nil)

  fileprivate init(
    _ waiter: Waiter?, _ work: @escaping @Sendable () -> BackgroundWork.Completion
  ) {
    self.waiter = waiter
    self.work = work
  }

  /// Nil until the work is done.
  fileprivate var completion: BackgroundWork.Completion? { state.withLock { $0 } }

  var isDone: Bool { completion != nil }

  fileprivate func run() {
    let completion = work()
    state.withLock { $0 = completion }
    if let waiter { waiter.handle.complete(waiter.connection) }
  }
}

extension Call {
  /// Replaces waiting with an error, for a command inside a transaction or a script. Such a command must not
  /// wait: the replies of the whole transaction or script are partly written, and a retry would run everything
  /// again.
  @inline(never)
  mutating func refuseToWait(takingBackTo start: Int) {
    assertionFailure(
      "\(server.table.commands[command].name) waits inside a transaction or a script")
    disposition = .next
    session.endWaiting()
    reply.rewind(to: start)
    reply.error(
      "ERR this command would block, which is not allowed inside a transaction or script")
  }

  /// Runs `work` on another thread while this connection waits, then calls the completion that it returned.
  ///
  /// The handler is called again when the work is done, and must call this again: whatever it does before must
  /// be safe to do twice. Not for commands that can be queued in a transaction, because those cannot wait.
  mutating func onSideThread(_ work: @escaping @Sendable () -> BackgroundWork.Completion) {
    guard let ticket = session.sideTicket else {
      let waiter = BackgroundTask.Waiter(handle: handle, connection: session.id)
      session.sideTicket = server.sideWork.begin(for: waiter, work)
      disposition = .waiting
      return
    }
    guard let completion = ticket.completion else {
      disposition = .waiting
      return
    }
    session.sideTicket = nil
    completion(&self)
  }
}
