import Glibc

/// The two ends of a power-loss test: a run whose system calls are recorded, and the judgement on an
/// image that was built from them.
struct PowerLoss {
  let options: Options
  let universe = Universe()
  let findings = Findings()
  let time = ExpiryTime(nil)

  /// A daemon with the recorder preloaded, clients for a while, then SIGKILL. The trace and the record
  /// share CLOCK_MONOTONIC: a trace entry's stamp is taken before its call returns to the daemon,
  /// "acknowledged" after the reply has arrived and "pending" before the request is sent. So what is
  /// acknowledged before a time was synced before it, and what is pending after it was not written.
  func recordRun() -> Int32 {
    var random = Random(options.seed, 0x70)
    System.makeDirectory(options.work)
    let data = options.work + "/store"
    let record = Record(path: options.work + "/record", universe: universe)
    let stops = random.within(0...2)
    let arguments = [
      "--partitions", "\(random.element(of: [1, 3, 8]))", "--memory", "8mib",
      "--segment", random.element(of: ["64kib", "128kib", "512kib"]),
      "--io-threads", "\(random.within(1...2))",
    ]
    var count = 0
    for session in 0...stops {
      let daemon = Daemon(
        Daemon.Options(
          executable: options.kvd, data: data, arguments: arguments,
          environment: [
            "LD_PRELOAD=\(options.preload)", "KVD_TRACE_DIRECTORY=\(data)",
            "KVD_TRACE_FILE=\(options.work)/trace",
          ], log: options.work + "/daemon.log"))
      guard daemon.waitUntilReady() else {
        findings.add("the daemon did not start: \(daemon.messages)")
        System.killDaemon()
        return 1
      }
      let (stop, crew) = (Client.StopFlag(), Crew())
      for (index, role) in roles(&random).enumerated() {
        crew.start(
          Client.Plan(
            universe: universe, record: record, findings: findings, time: time,
            port: daemon.port, seed: random.next(), number: index + 1,
            firstOperation: session << 20, largestValue: random.element(of: [8_000, 60_000]),
            stop: stop, role: role))
      }
      System.sleep(milliseconds: random.within(100...700))
      // A killed process may have written what the trace has not got; nothing may come after that.
      if session < stops {
        if daemon.stop() != .exited(0) { findings.add("SIGTERM: \(daemon.messages)") }
      } else {
        daemon.kill()
      }
      stop.set()
      count += crew.join().count
    }
    System.say("kvd-drive: seed \(options.seed): recorded \(count) operations")
    return findings.count == 0 ? 0 : 1
  }

  /// What an error tells of is durable within a sync, so to lose power in one takes clients that do little else, in a
  /// trace that has little else in it, as the pages of checkpoints: every other one is like that.
  private func roles(_ random: inout Random) -> [Role] {
    options.seed % 2 == 0
      ? [.clashes, .clashes, .clashes, .clashes]
      : [Role](repeating: .everything, count: random.within(2...5))
  }

  /// Starts the daemon on the image and compares what it holds with the record as of `until`.
  func checkImage() -> Int32 {
    let log = options.image + ".log"
    let daemon = Daemon(
      Daemon.Options(executable: options.kvd, data: options.image, arguments: [], log: log))
    defer { System.removeFile(log) }
    guard daemon.waitUntilReady() else {
      findings.add("the daemon did not start: \(daemon.messages)")
      System.killDaemon()
      return 1
    }
    defer { daemon.kill() }
    let found = Contents(port: daemon.port, universe: universe, findings: findings, time: time)
    guard let contents = found else { return 1 }
    var checker = Checker(universe: universe, findings: findings, time: time)
    checker.check(
      Record.operations(in: options.record, until: options.until),
      from: universe.keys.map { _ in .absent }, to: contents.states, clock: contents.clock,
      where: "image")
    if checker.undecidedCount > 0 { System.say("kvd-drive: \(checker.undecidedCount) undecided") }
    return findings.count == 0 ? 0 : 1
  }
}
