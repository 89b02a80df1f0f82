/// Something that people set: on the command line, in the configuration file, with CONFIG SET.
///
/// A setting has one name everywhere, Redis's where Redis has it, and is read and written as text.
public struct Setting: Sendable {
  /// When it may be changed.
  enum Change: Sendable {
    /// Any time.
    case any
    /// Only before the server starts.
    case start
    /// It only tells how things are.
    case never
  }

  enum Section: String, CaseIterable, Sendable {
    case store = "The store"
    case network = "The network"
    case clients = "The clients"
    case access = "Who may use it"
    case observation = "Watching it"
    case other = "Other"
    case fixed = "Fixed"
    /// They are Redis's and mean nothing here: see `RedisSettings`.
    case ignored = "Ignored"
  }

  public let name: String
  /// Names that the flag has besides.
  let aliases: [String]
  let section: Section
  let change: Change
  /// The value's form, for the help text: `N`, `SIZE`, `yes|no`.
  let form: String
  /// A sentence or two.
  let summary: String
  /// The value in the form in which CONFIG GET tells it.
  let text: @Sendable (ServerOptions) -> String
  /// Sets it from the words given.
  let set: @Sendable ([String], inout ServerOptions) throws(SettingRefusal) -> Void
  /// It may be given as several words.
  let takesWords: Bool

  /// Its value is never told in the log.
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

/// Why a value is not taken.
struct SettingRefusal: Error, Equatable {
  /// In Redis's words, for CONFIG SET.
  let reply: String
  /// What would be right, to stand behind the name of the setting.
  let demand: String
  /// The setting that it is about, where whoever set it cannot know.
  var setting: String?

  init(_ reply: String, demand: String) {
    self.reply = reply
    self.demand = demand
  }

  /// In kvd's own words.
  init(_ demand: String) { self.init(demand, demand: demand) }
}
