import Base

/// All commands, found by name, ignoring case.
///
/// An open-addressing hash table over names folded into two words, so a lookup compares integers and allocates
/// nothing. It is built once and is at most a quarter full, so a probe rarely goes past the first slot.
struct CommandTable: Sendable {
  private struct Slot {
    var name = FoldedName()
    var index = -1
  }

  private static let slotCount = 1024
  /// Top-level commands, then all subcommands.
  let commands: [Command]
  /// The number of commands that are not subcommands.
  let topLevelCount: Int
  private let slots: [Slot]
  /// Whether each command reads its keys, by index.
  private let readers: [Bool]
  /// Subcommands, by the index of their container.
  private let subcommands: [Int: [Slot]]

  init(_ commands: [Command]) {
    precondition(commands.count * 4 <= Self.slotCount)
    var slots = [Slot](repeating: Slot(), count: Self.slotCount)
    for (index, command) in commands.enumerated() {
      guard let name = command.name.withRawBytes({ FoldedName($0) }) else {
        preconditionFailure("the name of \(command.name) is too long for the table")
      }
      var slot = name.hash & (Self.slotCount - 1)
      while slots[slot].index >= 0 {
        precondition(slots[slot].name != name, "\(command.name) stands twice in the table")
        slot = (slot + 1) & (Self.slotCount - 1)
      }
      slots[slot] = Slot(name: name, index: index)
    }
    self.slots = slots
    topLevelCount = commands.count
    var all = commands
    var subcommands: [Int: [Slot]] = [:]
    for (index, command) in commands.enumerated() where !command.subcommands.isEmpty {
      subcommands[index] = command.subcommands.map { subcommand in
        all.append(subcommand)
        let word = String(subcommand.name.dropFirst(command.name.count + 1))
        guard let name = word.withRawBytes({ FoldedName($0) }) else {
          preconditionFailure("the name of \(subcommand.name) is too long for the table")
        }
        return Slot(name: name, index: all.count - 1)
      }
    }
    readers = all.map { $0.flags.contains(.readOnly) || $0.flags.contains(.readsFirst) }
    self.commands = all
    self.subcommands = subcommands
  }

  /// The index of the command named `name`, or nil.
  @inline(__always)
  func index(of name: RawSpan) -> Int? {
    guard let folded = FoldedName(name) else { return nil }
    var slot = folded.hash & (Self.slotCount &- 1)
    while slots[slot].index >= 0 {
      if slots[slot].name == folded { return slots[slot].index }
      slot = (slot &+ 1) & (Self.slotCount &- 1)
    }
    return nil
  }

  /// Whether the command at `index` reads its keys, rather than only writing them.
  @inline(__always)
  func readsKeys(_ index: Int) -> Bool { readers[index] }

  /// The index of the subcommand `name` of `command`, or nil.
  func index(of name: RawSpan, in command: Int) -> Int? {
    guard let folded = FoldedName(name) else { return nil }
    return subcommands[command]?.first { $0.name == folded }?.index
  }

  /// The indices of a command's subcommands.
  func subcommands(of command: Int) -> [Int] { subcommands[command]?.map(\.index) ?? [] }

  /// The index of the command, or subcommand, that a request with these arguments would run.
  func index(of arguments: ArraySlice<Range<Int>>, in request: RawSpan) -> Int? {
    guard let first = arguments.first, let found = index(of: request.extracting(first)) else {
      return nil
    }
    guard commands[found].flags.contains(.container), arguments.count > 1 else { return found }
    return index(of: request.extracting(arguments[arguments.startIndex + 1]), in: found)
  }

  /// The index of the command with the full name `name`, as in `client|list`.
  func index(named name: String) -> Int? {
    let parts = name.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
    guard let found = String(parts[0]).withRawBytes({ index(of: $0) }) else { return nil }
    guard parts.count > 1 else { return found }
    return String(parts[1]).withRawBytes { index(of: $0, in: found) }
  }

  static let standard = CommandTable(
    Strings.all + Bits.all + KeyCommands.commands + Scanning.commands
      + Transactions.commands + ConnectionCommands.commands + Authentication.commands
      + Databases.commands + [ACLCommand.command] + ServerCommands.commands
      + Ordered.commands + BatchCommand.commands + Hashes.all + Sets.all + Expiries.commands
      + Renaming.commands
      + Dumping.commands + [ObjectCommand.command] + Scripts.commands + FunctionCommand.commands)
}

/// A command name of up to 16 bytes, in lower case.
struct FoldedName: Equatable, Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  /// Tells a name from the same name followed by zero bytes.
  private var count = 0

  init() {}

  @inline(__always)
  init?(_ name: RawSpan) {
    let count = name.byteCount
    guard count > 0, count <= 16 else { return nil }
    self.count = count
    if count >= 8 {
      low = Self.lowered(name.load(at: 0, as: UInt64.self))
      let end = name.load(at: count &- 8, as: UInt64.self)
      high = Self.lowered(end >> UInt64(8 &* (16 &- count)))
    } else {
      low = Self.lowered(Self.shortWord(name))
    }
  }

  /// Packs fewer than eight bytes into a word with overlapping loads: a byte that is loaded twice lands in the
  /// same place.
  @inline(__always)
  private static func shortWord(_ name: RawSpan) -> UInt64 {
    let count = name.byteCount
    if count < 4 {
      let (middle, last) = (count / 2, count &- 1)
      return UInt64(name.byte(at: 0)) | UInt64(name.byte(at: middle)) << UInt64(8 &* middle)
        | UInt64(name.byte(at: last)) << UInt64(8 &* last)
    }
    return UInt64(name.load(at: 0, as: UInt32.self))
      | UInt64(name.load(at: count &- 4, as: UInt32.self)) << UInt64(8 &* (count &- 4))
  }

  /// Converts the ASCII capitals among eight bytes to lower case, all at once. A constant is added to the low
  /// seven bits of each byte such that the eighth bit becomes set from a given letter on: `A` for the first
  /// sum, the character after `Z` for the second.
  @inline(__always)
  private static func lowered(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let letters = word & (ones &* 0x7F)
    let fromA = letters &+ ones &* (0x80 - 0x41)
    let beyondZ = letters &+ ones &* (0x80 - 0x5B)
    return word | (fromA & ~beyondZ & ~word & (ones &* 0x80)) >> 2
  }

  var hash: Int {
    let mixed = (low ^ (high &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed >> 40)
  }
}
