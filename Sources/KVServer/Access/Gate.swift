import Base
import Synchronization

/// What may stop a client's request: a missing login, a user's rules, a pause, a lack of memory, a reload.
///
/// Each session caches the outcome in one flag, with the gate revision that it is valid for. A change to
/// users, pauses or kills creates a new revision, and each event loop re-evaluates a session with an old
/// one before it serves it. So a server without passwords pays one comparison each time it serves a
/// connection, and nothing per request.
final class Gate: Sendable {
  private struct Pause {
    var onlyWrites: Bool
    /// Milliseconds of the monotonic clock.
    var end: Int64
  }

  private let number = Atomic<UInt64>(1)
  private let pause = Lock<Pause?>(nil)
  private let loops = Lock<[LoopHandle]>([])
  private let blocked = Atomic<Int>(0)
  private let protection = Atomic<Bool>(true)
  private let memory = Atomic<Bool>(false)
  private let reloading = Atomic<Bool>(false)

  @inline(__always)
  var revision: UInt64 { number.load(ordering: .acquiring) }

  /// Whether clients on other machines are refused while no password is set.
  var isProtected: Bool { protection.load(ordering: .relaxed) }
  func setProtected(_ isProtected: Bool) { protection.store(isProtected, ordering: .relaxed) }

  /// Whether the process uses more memory than `maxmemory` allows.
  var isMemoryFull: Bool { memory.load(ordering: .relaxed) }
  func setMemoryFull(_ isFull: Bool) {
    if memory.exchange(isFull, ordering: .relaxed) != isFull { change() }
  }

  /// How many clients wait for the end of a pause.
  var blockedCount: Int { blocked.load(ordering: .relaxed) }

  /// Call once, before there are clients.
  func setLoops(_ loops: [LoopHandle]) { self.loops.withLock { $0 = loops } }

  /// Creates a new revision: every session is re-evaluated before its next request.
  func change() { number.add(1, ordering: .releasing) }

  /// Updates the session's cached state; false if the session must be closed.
  func refresh(_ session: Session, _ users: Users) -> Bool {
    session.gateRevision = revision
    let defaultUser = users.defaultUser
    let isOpen = defaultUser.isEnabled && defaultUser.needsNoPassword
    var isRemoved = false
    if let user = session.user {
      let current = users.user(user.name)
      // A client that removed its own user still gets the reply to that. One that logged in while its user
      // was being removed may have been missed when that user's clients were closed.
      isRemoved = current == nil && session.sideTicket == nil
      session.user = current ?? user
    } else {
      session.user = defaultUser
      session.isAuthenticated = isOpen
    }
    session.needsLogin = !isOpen && !session.isAuthenticated
    session.isGated =
      session.needsLogin || session.user?.isUnrestricted != true || session.replyMode != .on
      || session.isPaused || isMemoryFull || reloading.load(ordering: .relaxed)
      || pause.withLock { $0 != nil }
    return !isRemoved && !session.record.connection.isKilled.load(ordering: .relaxed)
  }

  /// A connection has closed.
  func leave(_ session: Session) { setPaused(session, false) }

  // MARK: Killing

  /// Closes clients, on whichever event loop they are.
  func kill(_ records: [ClientRecord]) {
    guard !records.isEmpty else { return }
    for record in records { record.connection.isKilled.store(true, ordering: .relaxed) }
    change()
    for loop in loops.withLock({ $0 }) { loop.close(records.map(\.id)) }
  }

  // MARK: Pausing

  /// Holds requests back for a while. Two pauses at once combine to the stricter kind and the later end.
  func pause(milliseconds: Int64, onlyWrites: Bool) {
    let now = SystemClock.monotonicMilliseconds()
    let (sum, overflows) = now.addingReportingOverflow(milliseconds)
    let end = overflows ? Int64.max : sum
    pause.withLock { pause in
      // An expired pause stays here until it is checked.
      if let underWay = pause, underWay.end > now {
        pause = Pause(
          onlyWrites: onlyWrites && underWay.onlyWrites, end: max(end, underWay.end))
      } else {
        pause = Pause(onlyWrites: onlyWrites, end: end)
      }
    }
    change()
  }

  func endPause() {
    pause.withLock { $0 = nil }
    wakeAll()
  }

  /// Nil if there is no pause.
  var pauseMillisecondsLeft: Int64? {
    pause.withLock { $0?.end }.map { max(0, $0 - SystemClock.monotonicMilliseconds()) }
  }

  /// True if the pause was over and has been removed. A pause that began meanwhile is left alone.
  func endPauseIfDue() -> Bool {
    let now = SystemClock.monotonicMilliseconds()
    let isDue = pause.withLock { pause in
      guard let underWay = pause, underWay.end <= now else { return false }
      pause = nil
      return true
    }
    if isDue { wakeAll() }
    return isDue
  }

  /// Holds everything back while the store is closed and reopened.
  func setReloading(_ isReloading: Bool) {
    reloading.store(isReloading, ordering: .relaxed)
    wakeAll()
  }

  private func wakeAll() {
    change()
    for loop in loops.withLock({ $0 }) { loop.signal() }
  }

  private func holds(_ command: Command, _ call: borrowing Call) -> Bool {
    if reloading.load(ordering: .relaxed) { return command.name != "debug" }
    guard !endPauseIfDue(), let pause = pause.withLock({ $0 }), command.name != "client|unpause"
    else { return false }
    return !pause.onlyWrites || call.involves([.write, .mayWrite], command)
  }

  private func setPaused(_ session: Session, _ isPaused: Bool) {
    guard session.isPaused != isPaused else { return }
    session.isPaused = isPaused
    session.record.isBlocked.store(isPaused, ordering: .relaxed)
    blocked.add(isPaused ? 1 : -1, ordering: .relaxed)
  }

  // MARK: Memory

  static let outOfMemory = "OOM command not allowed when used memory > 'maxmemory'."

  /// Whether the process uses more memory than allowed and the command might increase it.
  func refusesMemory(to command: Command, _ call: borrowing Call) -> Bool {
    isMemoryFull && call.involves(.takesMemory, command)
  }

  // MARK: Requests

  /// Whether a request may run now. If not, it has been answered or waits.
  static func admits(
    _ command: Command, _ index: Int, _ call: inout Call, _ request: RawSpan
  ) -> Bool {
    // The work is done and needs its reply, even if it took away this client's own rights.
    if call.session.sideTicket != nil { return true }
    if call.session.needsLogin, !command.flags.contains(.noAuthentication) {
      return refuse(command, "NOAUTH Authentication required.", &call)
    }
    if let user = call.session.user, !user.isUnrestricted,
      let refusal = user.refusal(of: index, call.arguments, in: request)
    {
      log(refusal, command, &call, request)
      return refuse(command, "NOPERM \(refusal.text(command))", &call)
    }
    let gate = call.server.gate
    if gate.refusesMemory(to: command, call) {
      return refuse(command, outOfMemory, &call)
    }
    // Read before the check: a change in between causes another check.
    call.session.pausedRevision = gate.revision
    let isHeld = gate.holds(command, call)
    gate.setPaused(call.session, isHeld)
    if isHeld { call.disposition = .waiting }
    return !isHeld
  }

  private static func refuse(_ command: Command, _ error: String, _ call: inout Call) -> Bool {
    Dispatcher.reject(command, error, &call)
    call.note = .rejected
    // The request may have waited for the end of a pause.
    call.server.gate.setPaused(call.session, false)
    return false
  }

  /// Whether a queued request may still run; the rules may have changed since it was queued. If not, it has
  /// been answered.
  static func stillAdmits(_ index: Int, _ call: inout Call, _ request: RawSpan) -> Bool {
    guard let user = call.session.user, !user.isUnrestricted,
      let refusal = user.refusal(of: index, call.arguments, in: request)
    else { return true }
    log(refusal, call.server.table.commands[index], &call, request)
    call.reply.error(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
        + "call. This command is no longer allowed for the following reason: "
        + refusal.reasonInTransaction)
    return false
  }

  /// Adds a refusal to ACL LOG.
  static func log(
    _ refusal: AccessRefusal, _ command: Command, _ call: inout Call, _ request: RawSpan
  ) {
    guard let user = call.session.user else { return }
    switch refusal {
    case .command:
      call.logRefusal(.command, of: [UInt8](command.name.utf8), user.name, request)
    case .key(let argument):
      call.logRefusal(.key, of: cut(request.extracting(call[argument])), user.name, request)
    case .channel(let argument):
      call.logRefusal(.channel, of: cut(request.extracting(call[argument])), user.name, request)
    }
  }

  private static func cut(_ name: RawSpan) -> [UInt8] {
    [UInt8](copying: name.extracting(first: min(name.byteCount, AccessLog.objectByteCount)))
  }
}

extension Call {
  /// Whether `command` has one of the flags, or is EXEC with a queued command that has one.
  fileprivate func involves(_ flags: Command.Flags, _ command: Command) -> Bool {
    guard command.name == "exec", let queued = session.transaction?.queued else {
      return !command.flags.isDisjoint(with: flags)
    }
    return queued.contains { !server.table.commands[$0.command].flags.isDisjoint(with: flags) }
  }

  /// Adds a refusal to ACL LOG.
  mutating func logRefusal(
    _ reason: AccessLog.Reason, of object: [UInt8], _ user: [UInt8], _ request: RawSpan
  ) {
    server.accessLog.add(
      AccessLog.Entry(
        reason: reason,
        context: isInScript ? .lua : session.transaction != nil ? .multi : .toplevel,
        object: object, user: user,
        at: SystemClock.monotonicMilliseconds(), client: clientLine(request)))
  }

  /// This client's line of CLIENT LIST.
  func clientLine(_ request: RawSpan) -> String {
    session.record.line(
      now: SystemClock.monotonicSeconds(), table: server.table,
      underWay: ClientRecord.Request(
        command: command, byteCount: request.byteCount,
        argumentByteCount: arguments.reduce(0) { $0 + $1.count }))
  }
}
