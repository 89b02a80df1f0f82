/// An option that users can set: on the command line, in the configuration file, or with CONFIG SET.
///
/// A setting has the same name everywhere, Redis's name if Redis has it, and is read and written as text.
public struct Setting: Sendable {
  /// When the setting may be changed.
  enum Change: Sendable {
    /// At any time.
    case any
    /// Only before the server starts.
    case start
    /// Never: it only shows a fixed value.
    case never
  }

  enum Section: String, CaseIterable, Sendable {
    case store = "Store"
    case network = "Network"
    case clients = "Clients"
    case access = "Access control"
    case observation = "Monitoring"
    case other = "Other"
    case fixed = "Fixed"
    /// Redis's settings that have no effect here: see `RedisSettings`.
    case ignored = "Ignored"
  }

  public let name: String
  /// Other names for the setting.
  let aliases: [String]
  let section: Section
  let change: Change
  /// The value's form, for the help text: `N`, `SIZE`, `yes|no`.
  let form: String
  /// A sentence or two.
  let summary: String
  /// The value as CONFIG GET shows it.
  let text: @Sendable (ServerOptions) -> String
  /// Sets the value from the words given.
  let set: @Sendable ([String], inout ServerOptions) throws(SettingRefusal) -> Void
  /// The value may be given as several words.
  let takesWords: Bool

  /// Its value is never logged.
  var isSecret: Bool { RedisSettings.secrets.contains(name) }

  init(
    _ name: String, aliases: [String] = [], _ section: Section, _ change: Change, form: String,
    takesWords: Bool = false, _ summary: String,
    text: @escaping @Sendable (ServerOptions) -> String,
    set: @escaping @Sendable ([String], inout ServerOptions) throws(SettingRefusal) -> Void
  ) {
    self.name = name
    self.aliases = aliases
    self.section = section
    self.change = change
    self.form = form
    self.summary = summary
    self.text = text
    self.set = set
    self.takesWords = takesWords
  }
}

/// Why a value is refused.
struct SettingRefusal: Error, Equatable {
  /// In Redis's words, for CONFIG SET.
  let reply: String
  /// What a valid value is, worded to follow the name of the setting.
  let demand: String
  /// The setting concerned, if the caller cannot know it.
  var setting: String?

  init(_ reply: String, demand: String) {
    self.reply = reply
    self.demand = demand
  }

  /// With kvd's own words for both.
  init(_ demand: String) { self.init(demand, demand: demand) }
}
