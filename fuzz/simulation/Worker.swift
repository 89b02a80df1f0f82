import Foundation

/// The process that runs seeds. It dies with the first that fails, by whatever means.
enum Worker {
  /// Longer than any seed takes: a thread holds a lock that another needs.
  private static let alarmSeconds: UInt32 = 60

  static func run(_ options: SimulationOptions) -> Never {
    let folder = "\(options.folder)/kvd-simulate-\(getpid())"
    for offset in 0..<UInt64(options.seeds ?? 1) {
      let seed = options.seed &+ offset
      alarm(alarmSeconds)
      Verdict.say("begin \(seed) \(folder)")
      let script = Script(seed: seed, skipping: options.skipping)
      let result = Runner.run(script, in: folder)
      // What cannot be replayed is worth little: now and then it is made sure of.
      if seed % 50 == 0, Runner.run(script, in: folder).trace != result.trace {
        Verdict.fail("the seed does not run the same way twice")
      }
      let points = result.crashPoints.map(\.rawValue).joined(separator: ",")
      Verdict.say(
        "done \(seed) \(result.switches) \(result.trace) \(result.crashes) at \(points)")
    }
    exit(0)
  }
}
