import Glibc

/// One store from its making to its end: killed, started and judged again and again.
///
/// The seed and the store's number decide its options, its faults and what its clients do.
final class StoreLife {
  struct Setting {
    let options: Options
    let universe: Universe
    let findings: Findings
    let record: Record
    let crashPoints: CrashPoints
  }

  let setting: Setting
  let disk: SmallDisk?
  let clock: Clock?
  let time: ExpiryTime
  /// All its rounds are of stamps.
  let isOfStamps: Bool
  let bulk: Bulk?
  let roundCount: Int
  let largestValue: Int
  private let arguments: [String]
  private let data: String
  private let log: String
  private var checker: Checker
  /// What each key held when it was judged last.
  private var states: [State] = []
  var random: Random
  var tally: Tally

  var findings: Findings { setting.findings }

  init(_ setting: Setting, number: Int, disk: SmallDisk?, clock: Clock?, tally: Tally) {
    self.setting = setting
    self.tally = tally
    random = Random(setting.options.seed, UInt64(number))
    // In turn, so that short runs meet them all.
    let kind = (setting.options.seed % 6 + UInt64(number) + 5) % 6
    bulk = kind == 0 ? Bulk() : nil
    isOfStamps = kind == 2
    // Where a sync takes no time, a batch may become visible while a reader goes over the partitions.
    self.disk = kind == 1 || isOfStamps ? disk : nil
    self.clock = kind == 3 ? clock : nil
    time = ExpiryTime(self.clock)
    checker = Checker(universe: setting.universe, findings: setting.findings, time: time)
    roundCount = kind > 3 ? random.element(of: [5, 10, 20]) : 5
    data =
      self.disk.map { "\($0.folder)/store" } ?? "\(setting.options.work)/store-\(number)"
    log = "\(setting.options.work)/daemon-\(number).log"
    let partitions =
      isOfStamps
      ? [16, 64] : kind < 2 ? [1, 2, 4] : [1, 2, 4, 8, 8, 16, 64]
    let segments =
      self.disk != nil
      ? ["64kib", "128kib", "1mib"] : ["64kib", "128kib", "1mib", "1mib", "8mib"]
    arguments = [
      "--partitions", "\(random.element(of: partitions))",
      "--memory", random.element(of: ["8mib", "8mib", "12mib", "32mib"]),
      "--segment", random.element(of: segments),
      "--io-threads", "\(random.within(isOfStamps ? 2...8 : 1...3))",
    ]
    let largest =
      self.disk == nil ? [8_000, 100_000, 100_000, 6_000_000] : [8_000, 100_000, 1_000_000]
    largestValue = random.element(of: largest)
  }

  func live(until deadline: UInt64) {
    states = setting.universe.keys.map { _ in State.absent }
    var history: [Operation] = []
    for _ in 0..<roundCount {
      if tally.rounds >= setting.options.rounds || System.now() > deadline { break }
      guard let daemon = startAndJudge(history) else { return }
      history = work(daemon)
      tally.rounds += 1
      if findings.count > 0 { return }
    }
    disk?.makeRoom()
    guard let daemon = startAndJudge(history, isLast: true) else { return }
    expectCleanStop(daemon)
    tool("check")
    tool("recover")
    tool("check")
    guard findings.count == 0, let daemon = startAndJudge([], isLast: true) else { return }
    daemon.kill()
    if daemon.hasFailed { found(daemon, "ended by itself") }
  }

  /// Removes the store, unless it is evidence; then its place.
  func end() -> String {
    tally.histories += checker.historyCount
    tally.undecided += checker.undecidedCount
    clock?.set(seconds: 0)
    if findings.count > 0 {
      return (disk?.keep(data, in: setting.options.work) ?? data) + ", " + log
    }
    System.removeTree(data)
    disk?.clear()
    System.removeFile(log)
    return ""
  }

  // MARK: Starting

  private func newDaemon(crashPoint: String) -> Daemon {
    Daemon(
      Daemon.Options(
        executable: setting.options.kvd, data: data, arguments: arguments,
        environment: clock?.environment ?? [], crashPoint: crashPoint, log: log))
  }

  func setClock() {
    let unit = random.element(of: [1, 60, 86_400])
    time.set(seconds: unit * random.within(-10...10))
    tally.clockJumps += 1
  }

  /// Starts the daemon, after ending it on the way as often as the seed wants.
  private func start(isLast: Bool = false) -> Daemon? {
    time.observe()
    // While nobody looks.
    if clock != nil, random.once(in: 2) { setClock() }
    while !isLast, random.once(in: 3) {
      let daemon = newDaemon(crashPoint: "")
      usleep(UInt32(random.within(0...(random.once(in: 2) ? 3_000 : 20_000))))
      daemon.kill()
      tally.kills += 1
      tally.startKills += 1
      if daemon.hasFailed, !isForWantOfRoom(daemon) {
        found(daemon, "ended by itself while starting")
        return nil
      }
    }
    while !isLast, random.once(in: 2) {
      let point = setting.crashPoints.duringStart(&random, isNew: isNew)
      let daemon = newDaemon(crashPoint: point)
      if !daemon.waitUntilReady(), daemon.hasCrashed { tally.crashed(at: point) }
      daemon.kill()
      if daemon.hasFailed, !isForWantOfRoom(daemon) {
        found(daemon, "ended by itself while starting, with the crash point \(point)")
        return nil
      }
    }
    if !isLast, !isNew {
      if random.once(in: 8) { tool("check") }
      while random.once(in: 8) {
        tool("recover", crashPoint: setting.crashPoints.duringStart(&random, isNew: false))
      }
      if random.once(in: 12) { tool("recover") }
    }
    let point =
      isLast || random.once(in: 2) ? "" : setting.crashPoints.duringWork(&random)
    for _ in 0..<3 {
      let daemon = newDaemon(crashPoint: point)
      if daemon.waitUntilReady() { return daemon }
      daemon.kill()
      if daemon.hasCrashed {
        tally.crashed(at: point)
      } else if isForWantOfRoom(daemon) {
        disk?.makeRoom()
      } else {
        found(daemon, "did not start")
        return nil
      }
    }
    let daemon = newDaemon(crashPoint: "")
    if daemon.waitUntilReady() { return daemon }
    daemon.kill()
    found(daemon, "did not start")
    return nil
  }

  private func isForWantOfRoom(_ daemon: Daemon) -> Bool {
    disk?.lacksRoom == true && daemon.ending == .exited(1)
      && daemon.messages.contains("no space left")
  }

  /// The manifest is the last thing made: without it there is nothing to check yet.
  private var isNew: Bool { !System.exists(data + "/MANIFEST") }

  func found(_ daemon: Daemon, _ what: String) {
    let ending = daemon.ending.map { "\($0)" } ?? "running"
    findings.add("the daemon \(what) (\(ending)): \(daemon.messages)")
  }

  // MARK: Judging

  /// A daemon on the store, which holds what the last round's history allows.
  private func startAndJudge(_ history: [Operation], isLast: Bool = false) -> Daemon? {
    let place = "round \(tally.rounds)"
    while let daemon = start(isLast: isLast) {
      let contents = Contents(
        port: daemon.port, universe: setting.universe, findings: findings, time: time,
        hasBulk: bulk != nil)
      if let contents {
        checker.check(
          history, from: states, to: contents.states, clock: contents.clock, where: place)
        if let bulk, let wrong = bulk.settle(contents.bulk) { findings.add("\(place): \(wrong)") }
        states = contents.states
        if findings.count == 0 { return daemon }
      }
      daemon.kill()
      if findings.count > 0 { return nil }
      guard daemon.hasCrashed else {
        found(daemon, "did not answer after its start")
        return nil
      }
      tally.crashed(at: daemon.crashPoint)
    }
    return nil
  }

  func expectCleanStop(_ daemon: Daemon) {
    let ending = daemon.stop()
    tally.stops += 1
    if ending == nil { daemon.kill() }
    if ending != .exited(0), !daemon.hasCrashed { found(daemon, "did not stop cleanly") }
  }

  private func tool(_ name: String, crashPoint: String = "") {
    let output = setting.options.work + "/tool.log"
    System.removeFile(output)
    let ending = System.run(
      [setting.options.kvd, name, "--data", data],
      environment: crashPoint.isEmpty ? [] : ["KVD_CRASH_AT=\(crashPoint)"], output: output)
    let run = ToolRun(
      name: name, ending: ending, output: System.text(of: output), mayCrash: !crashPoint.isEmpty)
    switch run.verdict(isDiskFull: disk?.lacksRoom == true) {
    case .sound: break
    case .crashed: tally.crashed(at: crashPoint)
    case .lacksRoom:
      tally.unfinishedRecoveries += 1
      // Room was all that it lacked: now it may not say so any more.
      disk?.makeRoom()
      tool(name)
    case .wrong: findings.add("kvd \(name) ended in \(ending): \(run.output)")
    }
  }
}
