import Glibc

/// One seed: stores made one after the other, each killed and started again many times.
final class Run {
  private let options: Options
  private let setting: StoreLife.Setting
  private let disk: SmallDisk?
  private let clock: Clock?
  private var tally = Tally()

  init(_ options: Options) {
    self.options = options
    System.makeDirectory(options.work)
    let reason = { (text: String) in System.say("kvd-drive: \(text)") }
    disk = SmallDisk(work: options.work, reason: reason)
    clock = Clock(library: options.clock, work: options.work, reason: reason)
    let universe = Universe()
    setting = StoreLife.Setting(
      options: options, universe: universe, findings: Findings(),
      record: Record(path: options.work + "/record", universe: universe),
      crashPoints: CrashPoints(executable: options.kvd, work: options.work))
  }

  /// Prints what was done; the exit status.
  func run() -> Int32 {
    let start = System.now()
    let deadline = start + UInt64(options.seconds) * 1_000_000_000
    var number = options.store
    var kept = ""
    while tally.rounds < options.rounds, System.now() < deadline, setting.findings.count == 0 {
      let store = StoreLife(setting, number: number, disk: disk, clock: clock, tally: tally)
      store.live(until: deadline)
      kept = store.end()
      tally = store.tally
      tally.stores += 1
      number += 1
    }
    let count = setting.findings.count
    System.say("kvd-drive: acknowledged: " + tally.acknowledgedText)
    System.say(
      "kvd-drive: seed \(options.seed): "
        + tally.text(pointCount: setting.crashPoints.names.count)
        + ", \((System.now() - start) / 1_000_000) ms, \(count) findings")
    if count > 0 {
      System.say(
        "kvd-drive: kept: \(kept), \(options.work)/record. `--seed \(options.seed) --store "
          + "\(number - 1)` replays the script; the instants of sending and killing differ.")
      return 1
    }
    disk?.unmount()
    if options.isTemporary { System.removeTree(options.work) }
    return 0
  }
}
