import Base
import Glibc

/// `kvd crash-points`: the names that `KVD_CRASH_AT` accepts. For testing kvd, so `kvd --help` does not
/// list it.
enum CrashPointsCommand: Subcommand {
  static let name = "crash-points"
  static let summary = "list the crash points that KVD_CRASH_AT accepts"
  static let help = """
    usage: kvd crash-points

    With KVD_CRASH_AT=NAME:N in its environment, kvd exits with status 137, as if killed, when it
    reaches the crash point NAME for the Nth time. For tests.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    _ = try Flags(arguments, known: [])
    let names = CrashPoint.allCases.map { $0.rawValue + "\n" }
    Log.write(names.joined(), to: STDOUT_FILENO)
    return 0
  }
}
