import Base
import Foundation

/// Starts workers, keeps count, and makes the script of a seed that fails smaller.
struct Supervisor {
  private static let seedsOfWorker = 200
  /// From so many on it is worth telling which crash points were never met.
  private static let manySeeds = 400
  private static let minimisingSeconds: TimeInterval = 60

  private let options: SimulationOptions

  init(_ options: SimulationOptions) {
    self.options = options
  }

  func run() -> Int32 {
    if options.findsBugs { return findBugs() }
    let began = Date()
    let (tally, failure) = search(options)
    let seconds = Date().timeIntervalSince(began)
    if let failure {
      report(failure)
      return 1
    }
    let rate = String(format: "%.1f", Double(tally.seeds) / max(seconds, 0.001))
    Verdict.say(
      "\(tally.seeds) seeds from \(options.seed), \(tally.crashes) crashes, "
        + "\(tally.points.values.reduce(0, +)) of them at \(tally.points.count) of "
        + "\(CrashPoint.allCases.count) crash points, \(Int(seconds)) s, "
        + "\(rate) seeds/s: nothing found")
    let missed = CrashPoint.allCases.map(\.rawValue).filter { tally.points[$0] == nil }
    if !missed.isEmpty, tally.seeds >= Self.manySeeds {
      Verdict.say("no crash at: " + missed.joined(separator: " "))
    }
    return 0
  }

  // MARK: Searching

  struct Failure {
    var seed: UInt64
    var reason: String
  }

  /// What was done without a failure.
  struct Tally {
    var seeds = 0
    var crashes = 0
    /// How often a run ended at each crash point.
    var points: [String: Int] = [:]
  }

  private func search(_ options: SimulationOptions) -> (tally: Tally, failure: Failure?) {
    let deadline = options.seconds.map { Date(timeIntervalSinceNow: TimeInterval($0)) }
    let wanted = options.seeds ?? (deadline == nil ? 1 : .max)
    var tally = Tally()
    while tally.seeds < wanted, deadline.map({ $0 > Date() }) ?? true {
      let chunk = min(deadline == nil ? Self.seedsOfWorker : 25, wanted - tally.seeds)
      let result = runWorker(
        options, from: options.seed &+ UInt64(tally.seeds), count: chunk,
        skipping: options.skipping)
      tally.seeds += result.tally.seeds
      tally.crashes += result.tally.crashes
      tally.points.merge(result.tally.points) { $0 + $1 }
      if let failure = result.failure { return (tally, failure) }
    }
    return (tally, nil)
  }

  private func runWorker(
    _ options: SimulationOptions, from seed: UInt64, count: Int, skipping: Set<Int>
  ) -> (tally: Tally, failure: Failure?) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = options.words(from: seed, count: count, skipping: skipping)
    var environment = ProcessInfo.processInfo.environment
    // Otherwise the order of dictionaries would differ from run to run.
    environment["SWIFT_DETERMINISTIC_HASHING"] = "1"
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    do {
      try process.run()
    } catch {
      return (Tally(), Failure(seed: seed, reason: "the worker could not be started: \(error)"))
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return judge(text, complaint, process, seed)
  }

  private func judge(
    _ text: String, _ complaint: String, _ process: Process, _ seed: UInt64
  ) -> (tally: Tally, failure: Failure?) {
    let lines = text.split(separator: "\n")
    var tally = Tally()
    for line in lines where line.hasPrefix("done ") {
      let words = line.split(separator: " ")
      tally.seeds += 1
      tally.crashes += Int(words[4]) ?? 0
      for name in words.count > 6 ? words[6].split(separator: ",") : [] {
        tally.points[String(name), default: 0] += 1
      }
    }
    let exited = process.terminationReason == .exit
    if exited, process.terminationStatus == 0 { return (tally, nil) }
    let begun = lines.last { $0.hasPrefix("begin ") }?.split(separator: " ") ?? []
    if begun.count > 2 { try? FileManager.default.removeItem(atPath: String(begun[2])) }
    let said = lines.firstIndex { $0.hasPrefix("FAILED ") }
      .map { lines[$0...].joined(separator: "\n") }
    let status = exited ? "exit" : "signal"
    let reason =
      said
      ?? "the process ended with \(status) \(process.terminationStatus): \(complaint.suffix(600))"
    let failed = begun.count > 1 ? UInt64(begun[1]) ?? seed : seed
    return (tally, Failure(seed: failed, reason: reason))
  }

  // MARK: Telling

  private func report(_ failure: Failure) {
    Verdict.say("seed \(failure.seed): \(failure.reason)")
    let (skipping, reason) = minimise(failure)
    Verdict.say("the least script that still fails:")
    Verdict.say(Script(seed: failure.seed, skipping: skipping).text)
    Verdict.say(reason)
    var whole = "kvd-simulate --seed \(failure.seed)"
    if let bug = options.bug { whole += " --bug \(bug.rawValue)" }
    var words = whole
    if !skipping.isEmpty {
      words += " --skip " + skipping.sorted().map { "\($0)" }.joined(separator: ",")
    }
    Verdict.say("again, whole: \(whole)\nagain, this: \(words)")
  }

  /// Leaves out ever smaller pieces of the script for as long as what is left still fails.
  private func minimise(_ failure: Failure) -> (Set<Int>, String) {
    let deadline = Date(timeIntervalSinceNow: Self.minimisingSeconds)
    var skipping = options.skipping
    var reason = failure.reason
    let all = Script(seed: failure.seed).rounds.flatMap { $0.operations.map(\.id) }
    var piece = max(1, all.count / 2)
    while true {
      var left = all.filter { !skipping.contains($0) }[...]
      while !left.isEmpty, Date() < deadline {
        let tried = skipping.union(left.prefix(piece))
        left = left.dropFirst(piece)
        let result = runWorker(options, from: failure.seed, count: 1, skipping: tried)
        if let failure = result.failure {
          skipping = tried
          reason = failure.reason
        }
      }
      if piece == 1 || Date() >= deadline { return (skipping, reason) }
      piece = max(1, piece / 2)
    }
  }

  // MARK: Deliberate bugs

  /// About five times what the bug that is hardest to find has needed.
  private static let seedLimit = 1000

  private func findBugs() -> Int32 {
    guard DeliberateBug.areCompiledIn else {
      Verdict.say("this build has no deliberate bugs: use -Xswiftc -DKVD_DELIBERATE_BUGS")
      return 64
    }
    var missed = 0
    for bug in DeliberateBug.allCases where !bug.isDaemonOnly {
      var options = options
      options.bug = bug
      options.seeds = Self.seedLimit
      let (tally, failure) = search(options)
      if let failure {
        let reason = failure.reason.split(separator: "\n").first ?? ""
        Verdict.say(
          "\(bug.rawValue): found by seed \(failure.seed), after \(tally.seeds + 1): \(reason)")
      } else {
        missed += 1
        Verdict.say("\(bug.rawValue): NOT FOUND in \(tally.seeds) seeds")
      }
    }
    return missed == 0 ? 0 : 1
  }
}
