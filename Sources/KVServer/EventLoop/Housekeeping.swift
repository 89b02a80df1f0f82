import Base

/// What an event loop does besides serving requests: refresh options, feed monitors, and close connections
/// that exceed a limit of time or memory.
extension EventLoop {
  /// Copies the options again if they have changed, and checks the memory limit.
  func refreshOptions(_ call: inout Call) {
    call.isMonitored = server.monitors.isActive
    server.memoryLimit.look(server.gate)
    let revision = server.live.revision
    guard revision != optionsRevision else { return }
    optionsRevision = revision
    options = server.live.current
    call.watch(options)
    for connection in connections.values {
      connection.decoder.bulkByteLimit = options.bulkByteLimit
      connection.inputByteLimit = options.queryBufferByteLimit
    }
  }

  /// Samples the command count from time to time, for the rate per second in INFO.
  func sampleRate() {
    let now = SystemClock.monotonicMilliseconds()
    if server.rate.isDue(now) {
      server.rate.sample(LoopCounters.Totals(of: server.counters), now: now)
    }
  }

  // MARK: Time and memory limits

  var hasTimedWork: Bool {
    options.idleTimeoutSeconds > 0 || !incomplete.isEmpty || !softLimitExceededSince.isEmpty
  }

  /// Updates what is tracked for a connection that was just served. False if it must be closed because its
  /// pending output exceeds the hard limit.
  func staysWithinLimits(_ connection: Connection) -> Bool {
    let isReceiving = connection.isReceiving
    if isReceiving, connection.hasRun || !connection.isListedAsIncomplete {
      // The buffered bytes begin a new request.
      connection.receivingSince = connection.session.record.lastActiveAt.load(ordering: .relaxed)
    }
    connection.hasRun = false
    if isReceiving != connection.isListedAsIncomplete {
      connection.isListedAsIncomplete = isReceiving
      if isReceiving {
        incomplete.insert(connection.token)
      } else {
        incomplete.remove(connection.token)
      }
    }
    let limit = outputLimit(of: connection)
    let pending = connection.reply.count
    if connection.session.hasOverflowed || (limit.hard > 0 && pending > limit.hard) {
      note(.outputBuffer, connection, Self.hardLimitPassed)
      return false
    }
    let isSoft = limit.soft > 0 && pending > limit.soft
    if isSoft != connection.isListedAsSoft {
      connection.isListedAsSoft = isSoft
      softLimitExceededSince[connection.token] = isSoft ? SystemClock.monotonicSeconds() : nil
    }
    return true
  }

  func outputLimit(of connection: Connection) -> OutputLimits.Limit {
    connection.session.feed == nil ? options.outputLimits.normal : options.outputLimits.monitor
  }

  /// Closes connections that have exceeded a time limit. Checks once a second.
  func enforceTimeLimits() {
    let now = SystemClock.monotonicSeconds()
    guard now > lookedAt else { return }
    lookedAt = now
    for (token, since) in softLimitExceededSince {
      guard let connection = connections[token] else { continue }
      let limit = outputLimit(of: connection)
      guard now - since >= Int64(limit.softSeconds) else { continue }
      note(
        .outputBuffer, connection,
        "its pending replies exceeded the soft limit of client-output-buffer-limit for too long")
      close(connection)
    }
    if options.requestTimeoutSeconds > 0 {
      for token in incomplete {
        guard let connection = connections[token] else { continue }
        let since = connection.receivingSince
        let allowed = options.requestTimeoutSeconds + connection.input.count / Self.slowestReceive
        guard now - since > Int64(allowed) else { continue }
        note(
          .requestTimeout, connection,
          "it did not send the rest of its request in time (client-request-timeout)")
        close(connection)
      }
    }
    if options.idleTimeoutSeconds > 0 { closeIdle(since: now - Int64(options.idleTimeoutSeconds)) }
  }

  /// The receive rate below which a large request times out, in bytes per second.
  private static let slowestReceive = 16 << 10

  private func closeIdle(since time: Int64) {
    for connection in Array(connections.values)
    where connection.isIdle && connection.reply.count == 0 && connection.session.feed == nil
      && connection.session.record.lastActiveAt.load(ordering: .relaxed) < time
    {
      close(connection)
    }
  }

  private static let hardLimitPassed =
    "its pending replies exceed the hard limit of client-output-buffer-limit"

  /// Counts and logs that a connection is about to be cut off.
  func note(_ reason: CutOffs.Reason, _ connection: Connection, _ text: String) {
    let record = connection.session.record
    server.cutOffs.count(reason)
    options.log("client \(record.id) at \(record.address) disconnected: \(text)")
  }

  /// Removes a closed connection from this loop's lists.
  func forget(_ connection: Connection) {
    let token = connection.token
    incomplete.remove(token)
    softLimitExceededSince.removeValue(forKey: token)
    timers.removeValue(forKey: token)
    guard connection.session.feed != nil else { return }
    connection.session.feed = nil
    server.monitors.leave(token)
    monitors.removeAll { $0 === connection }
  }

  // MARK: Timers

  /// Milliseconds until the next timer, at most one second.
  func timerMilliseconds() -> Int64 {
    let next = timers.values.min() ?? .max
    return max(0, min(1000, next - SystemClock.monotonicMilliseconds()))
  }

  func runTimers(_ call: inout Call) {
    guard !timers.isEmpty else { return }
    let now = SystemClock.monotonicMilliseconds()
    for (token, time) in timers where time <= now {
      timers.removeValue(forKey: token)
      if let connection = connections[token] { resume(connection, &call) }
    }
  }

  // MARK: Monitors

  /// Sends monitors their lines and cuts off those that are too slow.
  func deliverFeeds(_ call: inout Call) {
    guard !monitors.isEmpty else { return }
    for connection in monitors {
      guard let feed = connection.session.feed, isOpen(connection) else { continue }
      guard let lines = feed.take() else {
        note(.outputBuffer, connection, "it reads MONITOR output too slowly")
        close(connection)
        continue
      }
      guard !lines.isEmpty else { continue }
      let limit = outputLimit(of: connection).hard
      guard limit == 0 || connection.reply.count + lines.count <= limit else {
        note(.outputBuffer, connection, Self.hardLimitPassed)
        close(connection)
        continue
      }
      lines.withRawBytes { connection.reply.bytes.append($0) }
      resume(connection, &call)
    }
  }
}
