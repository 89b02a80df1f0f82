import Base

/// Limits on output and on time. Times are compared with the clock once a second, and only if there are any.
extension EventLoop {
  /// The receive rate below which a large request times out, in bytes per second.
  private static var slowestReceive: Int { 16 << 10 }

  var hasTimedWork: Bool {
    limits.idleSeconds > 0 || timeCount > 0 || listener?.resumesAt != nil
  }

  /// Sets or clears one of the times of a connection.
  @inline(__always)
  func setTime(_ time: inout Int64?, _ new: Int64?) {
    timeCount += (new == nil ? 0 : 1) - (time == nil ? 0 : 1)
    time = new
  }

  func forgetTimes(of connection: Connection) {
    setTime(&connection.deadline, nil)
    setTime(&connection.receivingSince, nil)
    setTime(&connection.softLimitExceededSince, nil)
  }

  /// Checks the limits of a connection that was just served. False if it is closed because it exceeds one.
  func staysWithinLimits(_ connection: Connection) -> Bool {
    if case .cutOff(let reason) = connection.state {
      cutOff(connection, because: reason)
      return false
    }
    if connection.isReceiving {
      if connection.receivingSince == nil {
        setTime(
          &connection.receivingSince, connection.record.lastActiveAt.load(ordering: .relaxed))
      }
    } else if connection.receivingSince != nil {
      setTime(&connection.receivingSince, nil)
    }
    let limit = connection.limits.output
    let pending = connection.output.count
    if limit.hard > 0, pending > limit.hard {
      cutOff(connection, because: .outputLimit)
      return false
    }
    let isSoft = limit.soft > 0 && pending > limit.soft
    if isSoft != (connection.softLimitExceededSince != nil) {
      setTime(
        &connection.softLimitExceededSince, isSoft ? SystemClock.monotonicSeconds() : nil)
    }
    return true
  }

  // MARK: Peers that do not read

  func beginStall(_ connection: Connection) {
    let now = SystemClock.monotonicSeconds()
    setTime(&connection.deadline, now + Int64(limits.stallSeconds))
    connection.record.blockedSince.store(now, ordering: .relaxed)
  }

  /// A peer that does not read but still sends gets the full time again.
  func extendStall(_ connection: Connection) {
    connection.deadline = SystemClock.monotonicSeconds() + Int64(limits.stallSeconds)
  }

  func didRead(_ connection: Connection) {
    setTime(&connection.deadline, nil)
    connection.record.blockedSince.store(.max, ordering: .relaxed)
  }

  // MARK: Once a second

  /// Closes connections that have exceeded a time limit.
  func checkTimes() {
    let now = SystemClock.monotonicSeconds()
    guard now > timesCheckedAt else { return }
    timesCheckedAt = now
    if let time = listener?.resumesAt, time <= now { resumeAccepting() }
    guard timeCount > 0 || limits.idleSeconds > 0 else { return }
    for connection in connections.all { checkTimes(of: connection, now) }
  }

  private func checkTimes(of connection: Connection, _ now: Int64) {
    if let deadline = connection.deadline, deadline <= now {
      if connection.state == .lingering { return close(connection) }
      return cutOff(connection, because: .stalled)
    }
    if let since = connection.softLimitExceededSince,
      now - since >= Int64(connection.limits.output.softSeconds)
    {
      return cutOff(connection, because: .softOutputLimit)
    }
    if limits.requestSeconds > 0, let since = connection.receivingSince,
      now - since > Int64(limits.requestSeconds + connection.input.count / Self.slowestReceive)
    {
      return cutOff(connection, because: .requestTimeout)
    }
    if limits.idleSeconds > 0, isIdle(connection, since: now - Int64(limits.idleSeconds)) {
      close(connection)
    }
  }

  private func isIdle(_ connection: Connection, since time: Int64) -> Bool {
    connection.isIdle && connection.output.count == 0 && !connection.limits.isPushedTo
      && connection.record.lastActiveAt.load(ordering: .relaxed) < time
  }
}
