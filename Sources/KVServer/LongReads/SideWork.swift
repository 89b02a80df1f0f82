import Base

/// Work of commands that waits for files other than the store's, of users and of the configuration: done on a thread of
/// its own, one after another, while only the client that asked waits.
final class SideWork: Sendable {
  /// What the command does when the work is done, on its event loop: it replies.
  typealias Completion = @Sendable (inout Call) -> Void

  private struct State {
    private var waiting: [SideTicket] = []
    private var head = 0
    var isRunning = false

    mutating func append(_ ticket: SideTicket) { waiting.append(ticket) }

    /// O(1) as a rule.
    mutating func takeFirst() -> SideTicket? {
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
  /// Told when the thread is about to end.
  private let ended = Monitor()

  fileprivate func begin(
    for handle: LoopHandle, _ work: @escaping @Sendable () -> Completion
  ) -> SideTicket {
    let ticket = SideTicket(handle, work)
    let mustStart = locked.withLock { state in
      state.append(ticket)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard mustStart else { return ticket }
    do throws(IOError) {
      _ = try WorkerThread(attempting: "kvd-side") { self.run() }
    } catch {
      // Better late than never: this event loop waits.
      run()
    }
    return ticket
  }

  /// Has `work` done for nobody who waits.
  func begin(for handle: LoopHandle, _ work: @escaping @Sendable () -> Void) {
    _ = begin(for: handle) { () -> Completion in
      work()
      return { _ in }
    }
  }

  /// Returns once nothing is under way. Nobody may ask for more meanwhile.
  func finish() {
    ended.withLock {
      while locked.withLock({ $0.isRunning }) { ended.wait() }
    }
  }

  private func run() {
    while true {
      let next = locked.withLock { state -> SideTicket? in
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

/// Work that was asked for.
final class SideTicket: Sendable {
  private let handle: LoopHandle
  private let work: @Sendable () -> SideWork.Completion
  private let state = Lock<SideWork.Completion?>(nil)

  fileprivate init(_ handle: LoopHandle, _ work: @escaping @Sendable () -> SideWork.Completion) {
    self.handle = handle
    self.work = work
  }

  /// Nil while it is under way.
  fileprivate var completion: SideWork.Completion? { state.withLock { $0 } }

  var isDone: Bool { completion != nil }

  fileprivate func run() {
    let completion = work()
    state.withLock { $0 = completion }
    handle.signal()
  }
}

extension Call {
  /// Takes back that a command waits inside a transaction or a script, where it must have refused or been carried out
  /// at once: whoever asked for it has begun to write the replies of both, and would carry out everything again.
  @inline(never)
  mutating func refuseToWait(takingBackTo start: Int) {
    assertionFailure(
      "\(server.table.commands[command].name) waits inside a transaction or a script")
    disposition = .next
    session.endWaiting()
    reply.rewind(to: start)
    reply.error(
      "ERR this command would have to wait, which it cannot inside a transaction or a script")
  }

  /// Has `work` done on another thread, while this connection waits, and then does what it returns.
  ///
  /// The handler is called again when the work is done, and must come here again: what it does before that must bear
  /// being done twice. Not for commands that may be queued in a transaction, which cannot wait in the middle.
  mutating func onSideThread(_ work: @escaping @Sendable () -> SideWork.Completion) {
    guard let ticket = session.sideTicket else {
      session.sideTicket = server.sideWork.begin(for: handle, work)
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
