import Base
import Foundation

/// What the command line asks for.
struct SimulationOptions {
  static let help = """
    usage: kvd-simulate [--seed N] [--seeds COUNT] [--seconds S] [--skip ID,ID…] [--bug NAME]

      --seed N         the first seed                              (default 1)
      --seeds COUNT    how many seeds, one after the other         (default 1; without end with
                       --seconds)
      --seconds S      ends after S seconds at the latest
      --skip LIST      leaves operations out, as a failing run says
      --bug NAME       turns a deliberate bug on, in builds that have them
      --bugs yes       finds every deliberate bug and prints how many seeds each took
      --folder DIR     where stores are made                       (default /dev/shm or /tmp)

    A seed always runs the same. Exit status: 0 nothing was found, 1 a seed failed, 64 wrong usage.

    """

  var seed: UInt64 = 1
  var seeds: Int?
  var seconds: Int?
  var skipping: Set<Int> = []
  var bug: DeliberateBug?
  var findsBugs = false
  var isWorker = false
  var folder = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let word = rest.popFirst() {
      guard word.hasPrefix("--"), let value = rest.popFirst() else { Self.complain(word) }
      switch word {
      case "--seed":
        guard let number = UInt64(value) else { Self.complain(word) }
        seed = number
      case "--seeds": seeds = Self.number(value, word)
      case "--seconds": seconds = Self.number(value, word)
      case "--skip": skipping = Set(value.split(separator: ",").compactMap { Int($0) })
      case "--bug":
        guard let bug = DeliberateBug(rawValue: value), DeliberateBug.areCompiledIn else {
          Self.complain("\(word) \(value)")
        }
        self.bug = bug
      case "--bugs": findsBugs = true
      case "--worker": isWorker = true
      case "--folder": folder = value
      default: Self.complain(word)
      }
    }
  }

  /// The words that make another process do the same from `seed` on.
  func words(from seed: UInt64, count: Int, skipping: Set<Int>) -> [String] {
    var words = ["--worker", "yes", "--folder", folder, "--seed", "\(seed)", "--seeds", "\(count)"]
    if let bug { words += ["--bug", bug.rawValue] }
    if !skipping.isEmpty {
      words += ["--skip", skipping.sorted().map { "\($0)" }.joined(separator: ",")]
    }
    return words
  }

  private static func number(_ value: String, _ word: String) -> Int {
    guard let number = Int(value), number >= 0 else { complain(word) }
    return number
  }

  private static func complain(_ word: String) -> Never {
    if ["--help", "-h", "help"].contains(word) {
      print(help, terminator: "")
      exit(0)
    }
    FileHandle.standardError.write(Data("kvd-simulate: what is '\(word)'?\n\(help)".utf8))
    exit(64)
  }
}
