/// All settings, found by name regardless of case.
///
/// The single source for the flags of `kvd serve`, the configuration file, CONFIG and the help text.
public enum Settings {
  public static let all: [Setting] =
    Setting.store + Setting.network + Setting.clients + Setting.access
    + Setting.observation + Setting.other
    + Setting.fixed + Setting.ignored

  private static let byName: [String: Setting] = {
    var found: [String: Setting] = [:]
    for setting in all {
      for name in [setting.name] + setting.aliases {
        precondition(found.updateValue(setting, forKey: name) == nil, "\(name) is defined twice")
      }
    }
    return found
  }()

  static func named(_ name: String) -> Setting? {
    guard let setting = byName[name.lowercased()] else { return nil }
    return setting
  }

  /// The settings that can appear in a configuration file or on a command line.
  static var changeable: [Setting] { all.filter { $0.change != .never } }

  /// Every setting with its default, for `kvd serve --help`, except fixed ones and those without effect.
  public static var help: String {
    var text = ""
    let defaults = ServerOptions()
    for section in Setting.Section.allCases where section != .fixed && section != .ignored {
      text += "\(section.rawValue)\n"
      for setting in all where setting.section == section {
        text += entry(setting, defaults)
      }
      text += "\n"
    }
    return text
  }

  private static func entry(_ setting: Setting, _ defaults: ServerOptions) -> String {
    var head = "  " + ([setting.name] + setting.aliases).map { "--\($0)" }.joined(separator: ", ")
    head += " \(setting.form)"
    let value =
      setting.form == "SIZE"
      ? ByteSize.short(Int(setting.text(defaults)) ?? 0) : setting.text(defaults)
    let summary = setting.summary + " (default \(value.isEmpty ? "none" : value))"
    return head + "\n" + wrapped(summary, indent: 6, width: 94)
  }

  private static func wrapped(_ text: String, indent: Int, width: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = margin
    for word in text.split(separator: " ") {
      if line.count > indent, line.count + 1 + word.count > width {
        lines.append(line)
        line = margin
      }
      line += line.count > indent ? " \(word)" : "\(word)"
    }
    return (lines + [line]).map { $0 + "\n" }.joined()
  }
}
