import KVStore

/// CONFIG: shows and changes settings.
enum ConfigCommand {
  static let command = Command(
    container: "config", group: "server", "A container for server configuration commands",
    subcommands: [
      Command(
        "config|get", arity: -3, [.admin], group: "server",
        "Get the values of configuration parameters", .session(get)),
      Command(
        "config|set", arity: -4, [.admin], group: "server",
        "Set configuration parameters to the given values", .session(set)),
      Command(
        "config|rewrite", arity: 2, [.admin, .noTransaction], group: "server",
        "Rewrite the configuration file with the in memory configuration", .session(rewrite)),
      Command(
        "config|resetstat", arity: 2, [.admin], group: "server",
        "Reset the stats returned by INFO", .session(resetStatistics)),
      Command(
        "config|help", arity: 2, [], group: "server",
        "Show helpful text about the different subcommands",
        ContainerCommand.help(
          "config",
          [
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>", "    Set the configuration <directive> to <value>.",
            "RESETSTAT", "    Reset statistics reported by the INFO command.",
            "REWRITE", "    Rewrite the configuration file.",
          ])),
    ])

  /// Each pattern is compared with the name of every setting.
  private static let mostPatterns = 1024

  /// As in Redis, a name without wildcards is matched ignoring case and returned as the client spelled it.
  static func get(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var found: [(name: String, setting: Setting)] = []
    var names: Set<String> = []
    var settings: Set<String> = []
    var patternCount = 0
    for index in 2..<call.count {
      let asked = String(describing: request.extracting(call[index]))
      guard asked.contains(where: { "[*?".contains($0) }) else {
        if let setting = Settings.named(asked), names.insert(asked.lowercased()).inserted {
          settings.insert(setting.name)
          found.append((asked, setting))
        }
        continue
      }
      patternCount += 1
      guard patternCount <= mostPatterns else {
        return call.reply.error("ERR CONFIG GET accepts at most \(mostPatterns) patterns")
      }
      let pattern = GlobPattern(asked.lowercased())
      for setting in Settings.all where !settings.contains(setting.name) {
        guard pattern.matches([UInt8](setting.name.utf8)) else { continue }
        settings.insert(setting.name)
        names.insert(setting.name)
        found.append((setting.name, setting))
      }
    }
    let options = call.server.live.current
    call.reply.map(found.count)
    for (name, setting) in found {
      call.reply.bulk(name)
      call.reply.bulk(
        setting.name == "port"
          ? String(call.server.port.load(ordering: .relaxed)) : setting.text(options))
    }
  }

  /// Changes all the given settings, or none: the error names the first one that is refused.
  static func set(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.count % 2 == 0 else { return call.syntaxError() }
    var changes: [(setting: Setting, value: String)] = []
    for index in stride(from: 2, to: call.count, by: 2) {
      let name = String(describing: request.extracting(call[index]))
      guard let setting = Settings.named(name) else {
        call.reply.error("ERR Unknown option or number of arguments for CONFIG SET - '\(name)'")
        return
      }
      guard setting.change != .start else {
        let kind = ["dir", "dbfilename"].contains(setting.name) ? "protected" : "immutable"
        return refuse(&call, setting.name, "can't set \(kind) config")
      }
      guard !changes.contains(where: { $0.setting.name == setting.name }) else {
        return refuse(&call, setting.name, "duplicate parameter")
      }
      let value = String(describing: request.extracting(call[index + 1]))
      if let reason = refusal(of: value, for: setting) {
        return refuse(&call, setting.name, reason)
      }
      changes.append((setting, value))
    }
    var changing = ""
    do throws(SettingRefusal) {
      try call.server.change { (options) throws(SettingRefusal) in
        for (setting, value) in changes {
          changing = setting.name
          try setting.set([value], &options)
        }
      }
      for (setting, _) in changes { call.server.note(setting) }
      call.refreshGate()
      call.watch(call.server.live.current)
      call.reply.ok()
    } catch {
      refuse(&call, error.setting ?? changing, error.reply)
    }
  }

  /// Values stay in memory, appear in replies, and are written by CONFIG REWRITE.
  private static let longestValue = 64 << 10

  /// Why a value is refused whatever the setting, or nil. A secret may contain control characters.
  private static func refusal(of value: String, for setting: Setting) -> String? {
    guard value.utf8.count <= longestValue else {
      return "argument is longer than \(longestValue) bytes"
    }
    let hasControls = value.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    return hasControls && !setting.isSecret ? "argument contains control characters" : nil
  }

  private static func refuse(_ call: inout Call, _ setting: String, _ reason: String) {
    call.reply.error(
      "ERR CONFIG SET failed (possibly related to argument '\(setting)') - \(reason)")
  }

  static func rewrite(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let options = call.server.live.current
    guard let path = options.configurationPath else {
      call.reply.error("ERR The server is running without a config file")
      return
    }
    let isHome = call.server.users.home == .configuration
    guard !isHome || !options.access.userLines.contains(where: \.isIncluded) else {
      call.reply.error(
        "ERR Rewriting config file: an included file defines users, which would then be defined twice; "
          + "move them to the main file and restart kvd")
      return
    }
    let users = call.server.users
    call.onSideThread { () -> BackgroundWork.Completion in
      do throws(StoreError) {
        let old = try SmallFile.contents(of: path) ?? []
        let declared = isHome ? users.all : []
        let new = ConfigurationRewrite.text(of: old, for: options, users: declared)
        if let difference = RewriteCheck.difference(
          new, of: path, inPlaceOf: old, from: options, users: declared)
        {
          options.log("the configuration file was not rewritten: \(difference)")
          return { $0.reply.error("ERR Rewriting config file: \(difference)") }
        }
        try SmallFile.replace(path, with: new)
        return { $0.reply.ok() }
      } catch {
        options.log("cannot rewrite the configuration file: \(error)")
        return { $0.reply.error("ERR Rewriting config file: \(error)") }
      }
    }
  }

  static func resetStatistics(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.server.resetStatistics()
    call.reply.ok()
  }
}
