import Glibc
import KVServer

/// `kvd version`
enum VersionCommand: Subcommand {
  static let name = "version"
  static let summary = "print the version"
  static let help = "usage: kvd version\n"

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    _ = try Flags(arguments, known: [])
    Log.write("kvd \(Version.kvd), replies as of Redis \(Version.redis)\n", to: STDOUT_FILENO)
    return 0
  }
}
