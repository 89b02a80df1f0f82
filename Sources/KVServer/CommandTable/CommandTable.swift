import Base

/// All commands, found by name, ignoring case.
///
/// A class because every request uses it: that passes a reference instead of copying the tables.
final class CommandTable: Sendable {
  /// Top-level commands, then all subcommands.
  let commands: [Command]
  /// The number of commands that are not subcommands.
  let topLevelCount: Int
  private let names: NameTable
  /// Whether each command reads its keys, by index.
  private let readers: [Bool]
  /// Subcommands, by the index of their container.
  private let subcommands: [Int: (names: NameTable, indices: Range<Int>)]

  init(_ commands: [Command]) {
    names = NameTable(commands.enumerated().map { ($1.name, $0) })
    topLevelCount = commands.count
    var all = commands
    var subcommands: [Int: (names: NameTable, indices: Range<Int>)] = [:]
    for (index, command) in commands.enumerated() where !command.subcommands.isEmpty {
      let indices = all.count..<all.count + command.subcommands.count
      let words = command.subcommands.map { String($0.name.dropFirst(command.name.count + 1)) }
      subcommands[index] = (NameTable(Array(zip(words, indices))), indices)
      all += command.subcommands
    }
    readers = all.map { $0.flags.contains(.readOnly) || $0.flags.contains(.readsFirst) }
    self.commands = all
    self.subcommands = subcommands
  }

  /// The index of the command named `name`, or nil.
  @inline(__always)
  func index(of name: RawSpan) -> Int? { names.index(of: name) }

  /// Whether the command at `index` reads its keys, rather than only writing them.
  @inline(__always)
  func readsKeys(_ index: Int) -> Bool { readers[index] }

  /// The index of the subcommand `name` of `command`, or nil.
  func index(of name: RawSpan, in command: Int) -> Int? {
    subcommands[command]?.names.index(of: name)
  }

  /// The indices of a command's subcommands.
  func subcommands(of command: Int) -> Range<Int> { subcommands[command]?.indices ?? 0..<0 }

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
