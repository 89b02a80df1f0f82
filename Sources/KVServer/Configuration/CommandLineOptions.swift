/// The options of `kvd serve`: a configuration file, and flags that override it.
public enum CommandLineOptions {
  /// Parses `[FILE] [--config FILE] [--NAME VALUE... | --NAME=VALUE]...`.
  ///
  /// - Throws: all errors in the file and the flags at once.
  public static func parse(_ arguments: [String]) throws(ConfigurationError) -> ServerOptions {
    var reader = FlagReader(arguments)
    reader.read()
    var options = ServerOptions()
    var problems: [String] = []
    if let file = reader.file {
      ConfigurationFile.read(file, into: &options, &problems)
      options.configurationPath = file
    }
    for flag in reader.flags {
      do throws(SettingRefusal) {
        try flag.setting.set(flag.values, &options)
        options.recordGiven(flag.setting, at: "--\(flag.name)")
      } catch {
        problems.append("option '--\(flag.name)' \(error.sentence(about: flag.values))")
      }
    }
    problems += reader.problems
    guard problems.isEmpty else { throw ConfigurationError(problems) }
    return options
  }
}

/// Splits a command line into a file name and flags with their values.
private struct FlagReader {
  struct Flag {
    let setting: Setting
    let name: String
    let values: [String]
  }

  private(set) var file: String?
  private(set) var flags: [Flag] = []
  private(set) var problems: [String] = []
  private var rest: ArraySlice<String>

  init(_ arguments: [String]) { rest = arguments[...] }

  mutating func read() {
    if let first = rest.first, !first.hasPrefix("--") { file = rest.popFirst() }
    while let argument = rest.popFirst() {
      if argument.hasPrefix("--") {
        readFlag(argument)
      } else {
        problems.append("unexpected argument '\(argument)'")
      }
    }
  }

  private mutating func readFlag(_ argument: String) {
    let parts = argument.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.isEmpty ? "" : String(parts[0])
    let setting = Settings.named(name)
    guard name == "config" || setting != nil else {
      // The next argument may be its value.
      if parts.count < 2, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
      return problems.append("unknown option '--\(name)'")
    }
    guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
      return problems.append("option '--\(name)' needs a value")
    }
    guard let setting else {
      if file != nil { problems.append("more than one configuration file") }
      file = value
      return
    }
    var values = [value]
    // As in Redis: `--save 60 1`, `--bind 127.0.0.1 ::1`.
    while parts.count == 1, setting.takesWords, let next = rest.first, !next.hasPrefix("--") {
      values.append(next)
      rest.removeFirst()
    }
    guard !flags.contains(where: { $0.setting.name == setting.name }) else {
      return problems.append("option '--\(name)' is given twice")
    }
    flags.append(Flag(setting: setting, name: name, values: values))
  }
}

extension ServerOptions {
  /// Records that a setting was given, and adds its note, if it has one, with the place it was given.
  mutating func recordGiven(_ setting: Setting, at place: String) {
    givenNames.insert(setting.name)
    if let note = setting.note { notes.append("\(place): \(note)") }
  }
}
