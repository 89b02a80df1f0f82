/// What COMMAND and the access rules need to know about a command, apart from its handler.
///
/// The facts of Redis's commands are copied from Redis (`redis`). kvd's own commands declare theirs.
struct CommandFacts: Sendable {
  var arity = 0
  var flags: [String] = []
  var categories: Categories = []
  /// Redis's command tips: hints for clients, such as how to split a command over several servers.
  var tips: [String] = []
  var keySpecs: [KeySpec] = []

  /// By full name, as in `client|list`.
  static let byName: [String: CommandFacts] = {
    var found: [String: CommandFacts] = [:]
    var name = ""
    for line in redis.split(separator: "\n") {
      let words = line.split(separator: " ")
      if line.first == " " {
        guard let number = Int(words[0]) else { preconditionFailure("a note without a number") }
        found[name]?.keySpecs[number].note = words.dropFirst().joined(separator: " ")
      } else {
        name = String(words[0])
        found[name] = CommandFacts(words)
      }
    }
    return found
  }()

  init() {}

  private init(_ words: [Substring]) {
    guard let arity = Int(words[1]) else { preconditionFailure("\(words[0]) has no arity") }
    self.arity = arity
    flags = Self.list(words[2]).map(String.init)
    for name in Self.list(words[3]) {
      guard let category = Categories(named: String(name)) else {
        preconditionFailure("unknown category \(name)")
      }
      categories.insert(category)
    }
    tips = Self.list(words[4]).map(String.init)
    keySpecs = words[5...].map { Self.keySpec($0) }
  }

  private static func list(_ text: Substring) -> [Substring] {
    text == "-" ? [] : text.split(separator: ",")
  }

  private static func keySpec(_ text: Substring) -> KeySpec {
    let parts = text.split(separator: "=")
    let access = KeySpec.Access(named: list(parts[1]))
    let texts = parts[0].split(separator: ":")
    let numbers = texts.compactMap { Int($0.drop(while: { $0 == "#" })) }
    if texts.contains(where: { $0.hasPrefix("#") }) {
      let counted = KeySpec.Counted(
        index: numbers[0], number: numbers[1], first: numbers[2], step: numbers[3])
      return KeySpec(access, at: counted)
    }
    let place =
      numbers.count == 4
      ? KeySpec.Place(index: numbers[0], last: numbers[1], step: numbers[2], limit: numbers[3])
      : nil
    return KeySpec(access, at: place)
  }
}
