/// Which commands may be run, and the rules that decide it.
struct CommandSet: Sendable {
  private struct Rule {
    let isAllowed: Bool
    /// Such as `get`, `client|kill` or `@read`.
    let target: String
  }

  private let table: CommandTable
  private var allowed: [Bool]
  /// For commands that are allowed only with certain first arguments, by the command's index.
  private var firstArguments: [Int: [String]] = [:]
  /// The rules in effect since the last rule about all commands.
  private var rules: [Rule] = []
  private var beginsWithAll = false
  /// Nothing is forbidden.
  private(set) var isEverything = false

  /// The number of rules, including those that ACL LIST omits.
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

  /// Handles `command|argument`, for a command without subcommands: it may be run with that first argument.
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

  /// Adds a rule. It replaces earlier ones about the same target or a part of it.
  private mutating func note(_ rule: Rule) {
    rules.removeAll { $0.target == rule.target || $0.target.hasPrefix(rule.target + "|") }
    rules.append(rule)
    // The remaining rules may only repeat the rule about all commands.
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

  /// Whether both allow the same commands, whatever rules led to that.
  func isSame(as other: CommandSet) -> Bool {
    allowed == other.allowed
      && allowed.indices.allSatisfy {
        allowed[$0] || firstArguments[$0] == other.firstArguments[$0]
      }
  }

  /// The form in ACL LIST: everything or nothing, then the rules that follow.
  var description: String {
    ([beginsWithAll ? "+@all" : "-@all"]
      + rules.map { ($0.isAllowed ? "+" : "-") + $0.target }).joined(separator: " ")
  }
}
