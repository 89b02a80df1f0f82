/// The daemon's named crash points, and how one is chosen.
struct CrashPoints {
  let names: [String]
  /// Those that making a store comes to, and those that opening one does.
  private let making: [String]
  private let opening: [String]

  init(executable: String, work: String) {
    let output = work + "/crash-points"
    System.removeFile(output)
    guard System.run([executable, "crash-points"], output: output) == .exited(0) else {
      System.fail("\(executable) crash-points")
    }
    let all = System.text(of: output).split(separator: "\n").map {
      String($0.split(separator: " ")[0])
    }
    func those(_ prefixes: [String]) -> [String] {
      all.filter { name in prefixes.contains { name.hasPrefix($0) } }
    }
    System.removeFile(output)
    names = all
    making = those(["create", "log", "manifest"])
    opening = those([
      "recovery", "tail", "epoch", "leftover", "control", "manifest", "segment", "apply", "purge",
      "checkpoint",
    ])
  }

  /// One for a start that shall not get far. Some places are passed once, some many times.
  func duringStart(_ random: inout Random, isNew: Bool) -> String {
    let name = random.element(of: isNew ? making : opening)
    return "\(name):\(random.element(of: [1, 1, 1, 2, 5]))"
  }

  /// One for a daemon at work, where some are passed thousands of times a second.
  func duringWork(_ random: inout Random) -> String {
    "\(random.element(of: names)):\(random.within(1...random.element(of: [1, 3, 20, 200])))"
  }
}
