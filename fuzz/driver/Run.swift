import Glibc

/// One seed: stores made one after the other, each killed and started again many times.
final class Run {
  let options: Options
  let universe = Universe()
  let findings = Findings()
  private var random: Random
  private var checker: Checker
  private let record: Record
  private var store = 0
  private var daemonArguments: [String] = []
  private var largestValue = 0
  private(set) var roundCount = 0
  private(set) var operationCount = 0
  private(set) var killCount = 0
  private(set) var startKillCount = 0
  private(set) var pauseCount = 0
  private(set) var stopCount = 0

  static let roundsPerStore = 20

  init(_ options: Options) {
    self.options = options
    random = Random(options.seed)
    checker = Checker(universe: universe, findings: findings)
    System.makeDirectory(options.work)
    record = Record(path: options.work + "/record", universe: universe)
  }

  private var data: String { "\(options.work)/store-\(store)" }
  private var log: String { "\(options.work)/daemon-\(store).log" }

  /// Prints what was done; the exit status.
  func run() -> Int32 {
    let start = System.now()
    let deadline = start + UInt64(options.seconds) * 1_000_000_000
    while roundCount < options.rounds, System.now() < deadline, findings.count == 0 {
      oneStore(until: deadline)
      if findings.count == 0 {
        System.removeTree(data)
        System.removeFile(log)
      }
      store += 1
    }
    System.say(
      "kvd-drive: seed \(options.seed): \(roundCount) rounds over \(store) stores, "
        + "\(operationCount) operations, \(killCount) kills, \(startKillCount) of them while "
        + "starting, \(pauseCount) pauses, \(stopCount) clean stops, "
        + "\(checker.historyCount) histories (\(checker.undecidedCount) undecided), "
        + "\((System.now() - start) / 1_000_000) ms, \(findings.count) findings")
    if findings.count > 0 {
      System.say(
        "kvd-drive: the store and the record are kept in \(options.work). `--seed "
          + "\(options.seed)` replays the script; the instants of sending and killing differ.")
      return 1
    }
    if options.isTemporary { System.removeTree(options.work) }
    return 0
  }

  private func oneStore(until deadline: UInt64) {
    daemonArguments = [
      "--partitions", "\(random.element(of: [1, 2, 4, 8, 8, 16]))",
      "--memory", random.element(of: ["8mib", "8mib", "12mib", "32mib"]),
      "--segment", random.element(of: ["64kib", "128kib", "1mib", "1mib", "8mib"]),
      "--io-threads", "\(random.within(1...3))",
    ]
    largestValue = random.element(of: [8_000, 100_000, 100_000, 3_000_000])
    var before = universe.keys.map { _ in State.absent }
    var history: [Operation] = []
    for round in 0..<Self.roundsPerStore {
      if roundCount >= options.rounds || System.now() > deadline || findings.count > 0 { break }
      guard let daemon = start() else { return }
      guard let after = verify(daemon, history, before) else { return }
      before = after
      history = work(daemon, seed: random.next(), isLast: round == Self.roundsPerStore - 1)
      roundCount += 1
    }
    guard findings.count == 0, let daemon = start() else { return }
    guard let last = verify(daemon, history, before) else { return }
    expectCleanStop(daemon)
    tool("check")
    tool("recover")
    tool("check")
    guard findings.count == 0, let daemon = start() else { return }
    _ = verify(daemon, [], last)
    daemon.kill()
  }

  private func options(for log: String) -> Daemon.Options {
    Daemon.Options(
      executable: options.kvd, data: data, arguments: daemonArguments, log: log)
  }

  /// Starts the daemon, after killing it on the way as often as the seed wants.
  private func start() -> Daemon? {
    while random.once(in: 3) {
      let daemon = Daemon(options(for: log))
      usleep(UInt32(random.within(0...(random.once(in: 2) ? 3_000 : 20_000))))
      daemon.kill()
      killCount += 1
      startKillCount += 1
      if daemon.messages.contains("cannot open") {
        findings.add("the daemon refused to start: \(daemon.messages)")
        return nil
      }
    }
    // The manifest is the last thing made: without it there is nothing to check yet.
    if random.once(in: 8), System.exists(data + "/MANIFEST") { tool("check") }
    if random.once(in: 12), System.exists(data + "/MANIFEST") { tool("recover") }
    let daemon = Daemon(options(for: log))
    guard daemon.waitUntilReady() else {
      findings.add("the daemon did not start: \(daemon.messages)")
      System.killDaemon()
      return nil
    }
    return daemon
  }

  private func verify(
    _ daemon: Daemon, _ history: [Operation], _ before: [State]
  ) -> [State]? {
    guard
      let contents = Contents(port: daemon.port, universe: universe, findings: findings)
    else {
      findings.add("the daemon did not answer after its start: \(daemon.messages)")
      daemon.kill()
      return nil
    }
    checker.check(history, from: before, to: contents.states, where: "round \(roundCount)")
    if findings.count > 0 {
      daemon.kill()
      return nil
    }
    return contents.states
  }

  /// Clients at work until the daemon is killed, or now and then stopped; what they did.
  private func work(_ daemon: Daemon, seed: UInt64, isLast: Bool) -> [Operation] {
    let stop = Client.StopFlag()
    let crew = Crew()
    for number in 1...random.within(2...8) {
      let plan = Client.Plan(
        universe: universe, record: record, findings: findings, port: daemon.port, seed: seed,
        number: number, firstOperation: roundCount << 20, largestValue: largestValue, stop: stop)
      crew.start(plan)
    }
    if random.once(in: 6) {
      System.sleep(milliseconds: random.within(1...100))
      daemon.pause(milliseconds: random.within(1...150))
      pauseCount += 1
    }
    System.sleep(
      milliseconds: random.once(in: 3) ? random.within(0...40) : random.within(20...400))
    if System.wait(daemon.process, blocking: false) != nil {
      findings.add("the daemon ended by itself: \(daemon.messages)")
    } else if random.once(in: 12) {
      expectCleanStop(daemon)
    } else {
      daemon.kill()
      killCount += 1
    }
    stop.set()
    let history = crew.join()
    operationCount += history.count
    return history
  }

  private func expectCleanStop(_ daemon: Daemon) {
    let ending = daemon.stop()
    stopCount += 1
    if ending == nil { daemon.kill() }
    if ending != .exited(0) {
      findings.add("SIGTERM ended in \(ending.map { "\($0)" } ?? "nothing"): \(daemon.messages)")
    }
  }

  private func tool(_ name: String) {
    let output = options.work + "/tool.log"
    System.removeFile(output)
    let ending = System.run([options.kvd, name, "--data", data], output: output)
    if ending != .exited(0) {
      findings.add("kvd \(name) ended in \(ending): \(System.text(of: output))")
    }
  }
}
