import Base

/// What is recorded of each command after it has run.
extension Call {
  /// Records a command that has just run. Its name and arguments are still in place.
  @inline(__always)
  mutating func recordOutcome(_ request: RawSpan) {
    guard disposition == .next, note == .none, !meter.isMonitored, reply.errorCodes.isEmpty else {
      return recordUncommonOutcome(request)
    }
    enter(meter.end(), hasFailed: false, request)
  }

  /// The other cases: commands that failed, wait, were rejected or queued, or are monitored.
  @inline(never)
  private mutating func recordUncommonOutcome(_ request: RawSpan) {
    let hasFailed = !reply.errorCodes.isEmpty
    countErrors()
    guard disposition == .next || disposition == .close else { return meter.begin() }
    switch note {
    case .none:
      if meter.isMonitored { tellMonitors(request) }
      enter(meter.end(), hasFailed: hasFailed, request)
    case .rejected:
      statistics.addRejected(command)
      meter.begin()
    case .queued, .unknown:
      meter.begin()
    }
  }

  /// Records one of the commands of an EXEC, which began at `start`.
  mutating func didRunPart(_ request: RawSpan, errorsBefore: Int, since start: inout UInt64) {
    let now = meter.clock.now
    defer { start = now }
    if isRerun { return }
    let hasFailed = reply.errorCodes.count > errorsBefore
    if meter.isMonitored { tellMonitors(request) }
    enter(now &- start, hasFailed: hasFailed, request)
  }

  @inline(__always)
  private mutating func enter(_ ticks: UInt64, hasFailed: Bool, _ request: RawSpan) {
    // Plain values, one by one: lending parts of a call would copy all of it.
    let (statistics, command, nanoseconds) = (statistics, command, meter.nanoseconds(ticks))
    let (tracksLatency, isSlow) = (meter.tracksLatency, ticks >= meter.slowTicks)
    statistics.add(
      command, nanoseconds: nanoseconds, hasFailed: hasFailed, tracksLatency: tracksLatency)
    if isSlow { enterSlow(ticks, request) }
  }

  /// Counts the error replies written since the last call.
  mutating func countErrors() {
    guard !reply.errorCodes.isEmpty else { return }
    for code in reply.errorCodes where !code.isEmpty {
      counters.countError()
      statistics.addError(code)
    }
    reply.errorCodes.removeAll()
  }

  private mutating func tellMonitors(_ request: RawSpan) {
    let facts = server.table.commands[command].facts
    guard !facts.flags.contains("admin"), !facts.flags.contains("skip_monitor") else { return }
    let origin = isInScript ? "lua" : session.record.origin
    server.monitors.tell(arguments, in: request, from: origin)
  }

  @inline(never)
  private mutating func enterSlow(_ ticks: UInt64, _ request: RawSpan) {
    let command = server.table.commands[command]
    let microseconds = Int64(meter.clock.nanoseconds(ticks) / 1000)
    let time = SystemClock.timeOfDay().seconds
    if meter.thresholds.slow >= 0, microseconds >= meter.thresholds.slow,
      !command.facts.flags.contains("skip_slowlog")
    {
      let record = session.record
      server.slowLog.add(
        SlowLog.Entry(
          time: time, microseconds: microseconds,
          arguments: SlowLog.trimmed(arguments, in: request), address: record.address,
          name: record.labels.withLock { $0.name }),
        keeping: meter.thresholds.slowLength)
    }
    if meter.thresholds.latency > 0, microseconds / 1000 >= meter.thresholds.latency {
      server.latency.add(
        command.flags.contains(.fast) ? "fast-command" : "command",
        milliseconds: microseconds / 1000, time: time)
    }
  }

  /// Applies the options about slow commands and time limits.
  mutating func watch(_ options: ServerOptions) {
    let thresholds = CommandMeter.Thresholds(
      slow: options.slowLogThreshold, slowLength: options.slowLogLength,
      latency: options.latencyThreshold)
    var slowest = UInt64.max
    if thresholds.slow >= 0 {
      slowest = min(slowest, meter.clock.ticks(microseconds: thresholds.slow))
    }
    if thresholds.latency > 0 {
      let (microseconds, overflow) = thresholds.latency.multipliedReportingOverflow(by: 1000)
      if !overflow { slowest = min(slowest, meter.clock.ticks(microseconds: microseconds)) }
    }
    meter.thresholds = thresholds
    meter.slowTicks = slowest
    time.setLimit(milliseconds: options.scriptMilliseconds)
    meter.tracksLatency = options.tracksLatency
  }
}
