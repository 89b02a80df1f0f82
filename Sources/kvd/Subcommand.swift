import Glibc

/// A command of `kvd`, such as `serve`; each is in its own file.
protocol Subcommand {
  static var name: String { get }
  /// One line for `kvd --help`.
  static var summary: String { get }
  static var help: String { get }
  /// Returns the exit status.
  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32
}

/// Finds the subcommand, and turns command-line errors into a message and exit status 64.
enum CommandLineInterface {
  static var subcommands: [any Subcommand.Type] {
    [
      ServeCommand.self, RecoverCommand.self, CheckCommand.self, LogCommand.self,
      StatCommand.self, VersionCommand.self,
    ]
  }

  static func run(_ arguments: [String]) -> Int32 {
    guard Faults.arm() else { return usageStatus }
    guard arguments.count > 1 else {
      Log.write(help, to: STDERR_FILENO)
      return usageStatus
    }
    let word = arguments[1]
    if ["--help", "-h", "help"].contains(word) {
      Log.write(help, to: STDOUT_FILENO)
      return 0
    }
    if word == "--version" { return run([arguments[0], VersionCommand.name]) }
    guard
      let subcommand = (subcommands + [CrashPointsCommand.self]).first(where: { $0.name == word })
    else {
      return complain("unknown command '\(word)'", see: "kvd --help")
    }
    let rest = arguments.dropFirst(2)
    if rest.contains("--help") || rest.contains("-h") {
      Log.write(subcommand.help, to: STDOUT_FILENO)
      return 0
    }
    do throws(UsageError) {
      return try subcommand.run(rest)
    } catch {
      return complain(error.message, see: "kvd \(word) --help")
    }
  }

  private static let usageStatus: Int32 = 64

  private static func complain(_ message: String, see: String) -> Int32 {
    // Several errors are printed one per line.
    let lines = message.split(separator: "\n").map { "kvd: \($0)" }.joined(separator: "\n")
    Log.write("\(lines); see '\(see)'\n", to: STDERR_FILENO)
    return usageStatus
  }

  private static var help: String {
    var text = "usage: kvd COMMAND [OPTION]...\n\n"
    for subcommand in subcommands {
      let padding = String(repeating: " ", count: max(1, 10 - subcommand.name.count))
      text += "  \(subcommand.name)\(padding)\(subcommand.summary)\n"
    }
    return text + "\n'kvd COMMAND --help' shows the options of a command.\n"
  }
}
