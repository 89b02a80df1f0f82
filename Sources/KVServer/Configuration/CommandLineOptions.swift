/// The options of `kvd serve`: a configuration file, and flags that win over it.
public enum CommandLineOptions {
  /// Reads `[FILE] [--config FILE] [--NAME VALUE | --NAME=VALUE]...`.
  public static func parse(_ arguments: [String]) throws(ConfigurationError) -> ServerOptions {
    var rest = arguments[...]
    var file: String?
    var flags: [(setting: Setting, name: String, value: String)] = []
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        guard file == nil, argument == arguments.first else {
          throw ConfigurationError("unexpected argument '\(argument)'")
        }
        file = argument
        continue
      }
      let parts = argument.dropFirst(2).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.isEmpty ? "" : String(parts[0])
      let setting = Settings.named(name)
      guard name == "config" || (setting != nil && setting?.change != .never) else {
        throw ConfigurationError("unknown option '--\(name)'")
      }
      guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
        throw ConfigurationError("option '--\(name)' needs a value")
      }
      if let setting {
        guard !flags.contains(where: { $0.setting.name == setting.name }) else {
          throw ConfigurationError("option '--\(name)' is given twice")
        }
        flags.append((setting, name, value))
      } else {
        guard file == nil else { throw ConfigurationError("more than one configuration file") }
        file = value
      }
    }
    var options = ServerOptions()
    if let file {
      try ConfigurationFile.read(file, into: &options)
      options.configurationPath = file
    }
    for flag in flags {
      do throws(SettingRefusal) {
        try flag.setting.set([flag.value], &options)
      } catch {
        throw ConfigurationError("option '--\(flag.name)' \(error.sentence(about: [flag.value]))")
      }
    }
    return options
  }
}
