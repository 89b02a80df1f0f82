import Base
import KVStore

/// A set of permissions: which commands may be run on which keys.
struct Selector: Sendable {
  private(set) var commands: CommandSet
  private(set) var allowsAllKeys = false
  private(set) var keyPatterns: [KeyPattern] = []
  /// kvd has no publish/subscribe; channels are kept so that tools can read back what they wrote.
  private(set) var allowsAllChannels = false
  private(set) var channels: [[UInt8]] = []

  init(table: CommandTable, channels: AccessOptions.ChannelDefault) {
    commands = CommandSet(of: table)
    allowsAllChannels = channels == .all
  }

  var readsAllKeys: Bool {
    allowsAllKeys || keyPatterns.contains { $0.text == [0x2A] && $0.allows(.reading) }
  }

  var isUnrestricted: Bool { allowsAllKeys && commands.isEverything }

  /// Changes the permissions according to `rule`.
  mutating func apply(_ rule: [UInt8]) throws(AccessRuleError) {
    let text = String(decoding: rule, as: UTF8.self)
    switch text.lowercased() {
    case "allkeys", "~*":
      allowsAllKeys = true
      keyPatterns = []
    case "resetkeys":
      allowsAllKeys = false
      keyPatterns = []
    case "allchannels", "&*":
      allowsAllChannels = true
      channels = []
    case "resetchannels":
      allowsAllChannels = false
      channels = []
    case "allcommands", "+@all": commands.setAll(true)
    case "nocommands", "-@all": commands.setAll(false)
    default:
      switch rule.first {
      case 0x7E, 0x25: try addKeyPattern(rule)
      case 0x26: try addChannel([UInt8](rule.dropFirst()))
      case 0x2B, 0x2D:
        let isAllowed = rule[0] == 0x2B
        if rule.count > 1, rule[1] == 0x40 {
          try commands.setCategory(String(text.dropFirst(2)), isAllowed)
        } else {
          try commands.setCommand(String(text.dropFirst()), isAllowed)
        }
      default: throw .syntax
      }
      guard partCount <= User.partLimit else { throw .tooManyParts }
    }
  }

  /// The number of parts that `User.partLimit` bounds.
  var partCount: Int { keyPatterns.count + channels.count + commands.ruleCount }

  /// Parses `~pattern`, `%R~pattern`, `%W~pattern` or `%RW~pattern`.
  private mutating func addKeyPattern(_ rule: [UInt8]) throws(AccessRuleError) {
    guard !allowsAllKeys else { throw .patternAfterAll }
    var reads = rule[0] == 0x7E
    var writes = reads
    var offset = 1
    if rule[0] == 0x25 {
      loop: while offset < rule.count {
        switch rule[offset] {
        case 0x52 where !reads, 0x72 where !reads: reads = true
        case 0x57 where !writes, 0x77 where !writes: writes = true
        case 0x7E: break loop
        default: throw .syntax
        }
        offset += 1
      }
      guard reads || writes, offset < rule.count else { throw .syntax }
      offset += 1
    }
    let pattern = [UInt8](rule[offset...])
    guard !pattern.hasSpaces else { throw .syntax }
    if let known = keyPatterns.firstIndex(where: { $0.text == pattern }) {
      keyPatterns[known].allow(reads: reads, writes: writes)
    } else {
      keyPatterns.append(KeyPattern(pattern, reads: reads, writes: writes))
    }
  }

  private mutating func addChannel(_ pattern: [UInt8]) throws(AccessRuleError) {
    guard !allowsAllChannels else { throw .channelAfterAll }
    guard !pattern.hasSpaces else { throw .syntax }
    if !channels.contains(pattern) { channels.append(pattern) }
  }

  // MARK: Checks

  func allows(_ use: KeyUse, _ arguments: [Range<Int>], _ request: RawSpan) -> Bool {
    if allowsAllKeys { return true }
    let patterns = keyPatterns.filter { $0.allows(use.access) }
    switch use.place {
    case .argument(let index):
      return patterns.contains { $0.matches(request.extracting(arguments[index])) }
    case .range(let text):
      guard let range = Self.range(text, arguments, request) else { return true }
      return patterns.contains { $0.covers(from: range.lower, to: range.upper) }
    }
  }

  /// Nil if the range is empty.
  private static func range(
    _ text: KeyUse.KeyRangeArguments, _ arguments: [Range<Int>], _ request: RawSpan
  ) -> KeyRange? {
    switch text {
    case .prefix(let index):
      .prefix([UInt8](copying: request.extracting(arguments[index])))
    case .bounds(let start, let end):
      Ordered.bounds(request.extracting(arguments[start]), request.extracting(arguments[end]))
    }
  }

  // MARK: ACL GETUSER and ACL LIST

  var keyText: [UInt8] {
    allowsAllKeys
      ? [UInt8]("~*".utf8) : [UInt8](keyPatterns.map(\.description).joined(separator: [0x20]))
  }

  var channelText: [UInt8] {
    allowsAllChannels
      ? [UInt8]("&*".utf8)
      : [UInt8](channels.map { [0x26] + $0 }.joined(separator: [0x20]))
  }

  var description: [UInt8] {
    var parts: [[UInt8]] = []
    if allowsAllKeys || !keyPatterns.isEmpty { parts.append(keyText) }
    if !allowsAllChannels { parts.append([UInt8]("resetchannels".utf8)) }
    if allowsAllChannels || !channels.isEmpty { parts.append(channelText) }
    parts.append([UInt8](commands.description.utf8))
    return [UInt8](parts.joined(separator: [0x20]))
  }
}

extension [UInt8] {
  /// Whether there is white space or a zero byte. Names and patterns must not contain them, because they
  /// could not be read back from a line.
  var hasSpaces: Bool { contains { $0 == 0x20 || $0 == 0 || (0x09...0x0D).contains($0) } }
}
