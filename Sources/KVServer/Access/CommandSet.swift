/// Which commands may be run, and the rules that say so.
struct CommandSet: Sendable {
  private struct Rule {
    let isAllowed: Bool
    /// As in `get`, `client|kill` or `@read`.
    let target: String
  }

  private let table: CommandTable
  private var allowed: [Bool]
  /// For commands that are allowed only with certain first arguments, by the command's index.
  private var firstArguments: [Int: [String]] = [:]
  /// The rules that matter, behind the one about all commands.
  private var rules: [Rule] = []
  private var beginsWithAll = false
  /// Nothing is forbidden.
  private(set) var isEverything = false

  /// How many rules say what is allowed, those that ACL LIST need not tell among them.
  var ruleCount: Int { max(rules.count, firstArguments.values.reduce(0) { $0 + $1.count }) }

  init(of table: CommandTable) {
    self.table = table
    allowed = [Bool](repeating: false, count: table.commands.count)
  }

  mutating func setAll(_ isAllowed: Bool) {
    allowed = [Bool](repeating: isAllowed, count: allowed.count)
    firstArguments = [:]
    rules = []
    beginsWithAll = isAllowed
    isEverything = isAllowed
  }

  mutating func setCategory(_ name: String, _ isAllowed: Bool) throws(AccessRuleError) {
    guard let category = Categories(named: name) else { throw .unknownCommand }
    for (index, command) in table.commands.enumerated()
    where command.facts.categories.contains(category) {
      allowed[index] = isAllowed
      firstArguments[index] = nil
    }
    note(Rule(isAllowed: isAllowed, target: "@" + name.lowercased()))
  }

  mutating func setCommand(_ name: String, _ isAllowed: Bool) throws(AccessRuleError) {
    guard let index = table.index(named: name) else {
      return try setFirstArgument(name, isAllowed)
    }
    for each in [index] + table.subcommands(of: index) {
      allowed[each] = isAllowed
      firstArguments[each] = nil
    }
    note(Rule(isAllowed: isAllowed, target: table.commands[index].name))
  }

  /// `command|argument` of a command without subcommands: it may be run with that argument.
  private mutating func setFirstArgument(
    _ name: String, _ isAllowed: Bool
  ) throws(AccessRuleError) {
    guard isAllowed, let bar = name.lastIndex(of: "|"),
      let index = table.index(named: String(name[..<bar]))
    else { throw .unknownCommand }
    let command = table.commands[index]
    let argument = String(name[name.index(after: bar)...])
    guard !command.name.contains("|") else { throw .firstArgumentOfSubcommand }
    guard !argument.isEmpty, ![UInt8](argument.utf8).hasSpaces else { throw .syntax }
    guard command.subcommands.isEmpty else { throw .unknownCommand }
    let known = firstArguments[index] ?? []
    guard !known.contains(where: { $0.lowercased() == argument.lowercased() }) else { return }
    firstArguments[index] = known + [argument]
    note(Rule(isAllowed: true, target: command.name + "|" + argument))
  }

  /// A later rule takes the place of an earlier one about the same, or about a part of it.
  private mutating func note(_ rule: Rule) {
    rules.removeAll { $0.target == rule.target || $0.target.hasPrefix(rule.target + "|") }
    rules.append(rule)
    // What is left may say no more than the beginning does.
    if rules.allSatisfy({ $0.isAllowed == beginsWithAll }) { rules = [] }
    isEverything = beginsWithAll && rules.isEmpty
  }

  /// Whether the command at `index` may be run with these arguments.
  func allows(_ index: Int, _ arguments: [Range<Int>], _ request: RawSpan) -> Bool {
    if isEverything || allowed[index] { return true }
    guard let known = firstArguments[index], arguments.count > 1 else { return false }
    let argument = String(describing: request.extracting(arguments[1])).lowercased()
    return known.contains { $0.lowercased() == argument }
  }

  /// Whether the same may be run, whatever the rules that have led to it.
  func isSame(as other: CommandSet) -> Bool {
    allowed == other.allowed
      && allowed.indices.allSatisfy {
        allowed[$0] || firstArguments[$0] == other.firstArguments[$0]
      }
  }

  /// As ACL LIST writes it: begins with all or nothing, and goes on with what was said since.
  var description: String {
    ([beginsWithAll ? "+@all" : "-@all"]
      + rules.map { ($0.isAllowed ? "+" : "-") + $0.target }).joined(separator: " ")
  }
}
