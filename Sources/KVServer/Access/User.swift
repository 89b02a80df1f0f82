/// A user: its passwords, and what it may do.
///
/// A value that is replaced as a whole: sessions hold copies and take a new one when users change.
struct User: Sendable {
  static let defaultName = [UInt8]("default".utf8)
  /// The longest password, in bytes: hashing takes time in proportion to it, before the client is
  /// authenticated.
  static let passwordByteLimit = 4096

  /// The most passwords, selectors, patterns and command rules of a user: all are searched for each
  /// request.
  static let partLimit = 1024
  /// The most rules of one ACL SETUSER, and the most bytes of all its rules, to bound the cost of applying
  /// them.
  static let ruleLimit = 8 * partLimit
  static let ruleByteLimit = 1 << 20

  static func refusal(ofPasswordOf byteCount: Int) -> String {
    "password of \(byteCount) bytes is too long: use at most \(passwordByteLimit) bytes"
  }

  let name: [UInt8]
  private(set) var isEnabled = false
  /// Any password is accepted.
  private(set) var needsNoPassword = false
  /// Redis's flag about RESTORE, kept so that tools can read back what they wrote; nil if it was never set.
  private var sanitizesPayload: Bool?
  /// The SHA-256 of each password, in lower-case hexadecimal.
  private(set) var passwords: [[UInt8]] = []
  /// The permissions; the first are those outside parentheses. A request needs only one that allows it.
  private(set) var selectors: [Selector]
  private let table: CommandTable
  /// Which channels the user may use after `reset`, and each new selector allows.
  var channelDefault: AccessOptions.ChannelDefault

  init(
    name: [UInt8], table: CommandTable, channels: AccessOptions.ChannelDefault = .none
  ) {
    self.name = name
    self.table = table
    channelDefault = channels
    selectors = [Selector(table: table, channels: channels)]
  }

  /// The user that clients are before they log in, with all permissions.
  static func unrestricted(table: CommandTable) -> User {
    var user = User(name: defaultName, table: table)
    user.isEnabled = true
    user.needsNoPassword = true
    for rule in ["+@all", "~*", "&*"] { try? user.selectors[0].apply([UInt8](rule.utf8)) }
    return user
  }

  /// Every request is allowed without a check.
  var isUnrestricted: Bool { selectors.contains { $0.isUnrestricted } }

  // MARK: Rules

  /// Applies one rule. A rule in parentheses must be passed whole.
  mutating func apply(_ rule: [UInt8]) throws(AccessRuleError) {
    guard let first = rule.first else { return }
    switch String(decoding: rule, as: UTF8.self).lowercased() {
    case "on": isEnabled = true
    case "off": isEnabled = false
    case "nopass":
      needsNoPassword = true
      passwords = []
    case "resetpass":
      needsNoPassword = false
      passwords = []
    case "sanitize-payload": sanitizesPayload = true
    case "skip-sanitize-payload": sanitizesPayload = false
    case "clearselectors": selectors.removeLast(selectors.count - 1)
    case "reset":
      self = User(name: name, table: table, channels: channelDefault)
      sanitizesPayload = true
    default:
      switch first {
      case 0x3E, 0x23: try addPassword(rule)
      case 0x3C, 0x21: try removePassword(rule)
      case 0x28 where rule.last == 0x29 && rule.count > 1: try addSelector(rule)
      default: try selectors[0].apply(rule)
      }
      guard partCount <= Self.partLimit else { throw .tooManyParts }
    }
  }

  private var partCount: Int {
    passwords.count + selectors.count + selectors.reduce(0) { $0 + $1.partCount }
  }

  private mutating func addPassword(_ rule: [UInt8]) throws(AccessRuleError) {
    let hash = try Self.hash(rule, isPlain: rule[0] == 0x3E)
    if !passwords.contains(hash) { passwords.append(hash) }
    needsNoPassword = false
  }

  private mutating func removePassword(_ rule: [UInt8]) throws(AccessRuleError) {
    let hash = try Self.hash(rule, isPlain: rule[0] == 0x3C)
    guard let index = passwords.firstIndex(of: hash) else { throw .noSuchPassword }
    passwords.remove(at: index)
  }

  private static func hash(_ rule: [UInt8], isPlain: Bool) throws(AccessRuleError) -> [UInt8] {
    let text = [UInt8](rule.dropFirst())
    guard !isPlain || text.count <= passwordByteLimit else {
      throw .passwordTooLong(byteCount: text.count)
    }
    if isPlain { return text.withRawBytes { SHA256.hexadecimal(of: $0) } }
    let isHash =
      text.count == 2 * SHA256.byteCount
      && text.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isHash else { throw .badHash }
    return text
  }

  private mutating func addSelector(_ rule: [UInt8]) throws(AccessRuleError) {
    var selector = Selector(table: table, channels: channelDefault)
    for part in rule.dropFirst().dropLast().split(separator: 0x20) {
      // Read back from the user's line, it would end the selector.
      guard part.last != 0x29 else { throw .syntax }
      try selector.apply([UInt8](part))
    }
    selectors.append(selector)
  }

  /// Joins the rules in parentheses; fails with the rule whose parenthesis is never closed.
  static func merge(_ words: [[UInt8]]) -> Result<[[UInt8]], UnmatchedParenthesis> {
    var rules: [[UInt8]] = []
    // The word that opened the parenthesis not yet closed.
    var opening: [UInt8]?
    for word in words {
      if opening != nil {
        // Appended in place: concatenating word by word would copy everything before each word.
        rules[rules.count - 1].append(0x20)
        rules[rules.count - 1].append(contentsOf: word)
        if word.last == 0x29 { opening = nil }
      } else {
        rules.append(word)
        if word.first == 0x28, word.last != 0x29 { opening = word }
      }
    }
    return opening.map { .failure(UnmatchedParenthesis(rule: $0)) } ?? .success(rules)
  }

  struct UnmatchedParenthesis: Error {
    let rule: [UInt8]
  }

  // MARK: Logging in

  /// Whether `password`, which must be within the length limit, lets this user in. The comparison takes the
  /// same time for any password.
  func accepts(_ password: RawSpan) -> Bool {
    guard isEnabled else { return false }
    if needsNoPassword { return true }
    let hash = SHA256.hexadecimal(of: password)
    var isKnown = false
    for known in passwords {
      var difference: UInt8 = 0
      for (one, other) in zip(known, hash) { difference |= one ^ other }
      isKnown = difference == 0 || isKnown
    }
    return isKnown
  }

  // MARK: ACL GETUSER and ACL LIST

  var flags: [String] {
    var flags = [isEnabled ? "on" : "off"]
    if needsNoPassword { flags.append("nopass") }
    if let sanitizesPayload {
      flags.append(sanitizesPayload ? "sanitize-payload" : "skip-sanitize-payload")
    }
    return flags
  }

  /// The line in ACL LIST and in the user file.
  var description: [UInt8] {
    var parts = [[UInt8]("user".utf8), name] + flags.map { [UInt8]($0.utf8) }
    parts += passwords.map { [0x23] + $0 }
    parts.append(selectors[0].description)
    parts += selectors.dropFirst().map { [0x28] + $0.description + [0x29] }
    return [UInt8](parts.joined(separator: [0x20]))
  }

  // MARK: Checks

  /// Nil if the request is allowed.
  func refusal(of command: Int, _ arguments: [Range<Int>], in request: RawSpan) -> AccessRefusal? {
    var refusal = AccessRefusal.command
    let isForAll = table.commands[command].flags.contains(.noAuthentication)
    let channels = ChannelUse(of: table.commands[command], argumentCount: arguments.count)
    let uses =
      selectors.contains { !$0.allowsAllKeys }
      ? table.commands[command].keyUses(arguments, in: request) : []
    for selector in selectors {
      guard isForAll || selector.commands.allows(command, arguments, request) else { continue }
      if let denied = (uses ?? []).first(where: { !selector.allows($0, arguments, request) }) {
        refusal = max(refusal, .key(argument: denied.firstArgument))
      } else if let channels,
        let denied = selector.firstDenied(of: channels, arguments, request)
      {
        refusal = max(refusal, .channel(argument: denied))
      } else {
        return nil
      }
    }
    return refusal
  }
}

extension User {
  /// Whether a request may read every key, whatever its arguments name.
  func mayReadAllKeys(by command: Int, _ arguments: [Range<Int>], in request: RawSpan) -> Bool {
    selectors.contains { $0.readsAllKeys && $0.commands.allows(command, arguments, request) }
  }
}

/// Why a request is not allowed.
enum AccessRefusal: Comparable, Sendable {
  case command
  case key(argument: Int)
  case channel(argument: Int)

  /// The error, without its code.
  func text(_ command: Command) -> String {
    switch self {
    case .command: "this user has no permissions to run the '\(command.name)' command"
    case .key: "this user has no permissions to access one of the keys used as arguments"
    case .channel: "this user has no permissions to access one of the channels used as arguments"
    }
  }

  /// Why a command is refused that was allowed when it was queued.
  var reasonInTransaction: String {
    switch self {
    case .command: "no permission to execute the command or subcommand"
    case .key: "no permission to touch the specified keys"
    case .channel: "no permission to access one of the channels used as arguments to the command"
    }
  }
}

extension KeyUse {
  /// The argument to name when this use is refused.
  var firstArgument: Int {
    switch place {
    case .argument(let index): index
    case .range(.bounds(let start, _)): start
    case .range(.prefix(let index)): index
    }
  }
}

extension User {
  /// Makes this the only password. An empty one turns authentication off.
  mutating func setPassword(_ password: String) {
    for rule in ["resetpass", password.isEmpty ? "nopass" : ">" + password] {
      try? apply([UInt8](rule.utf8))
    }
  }
}
