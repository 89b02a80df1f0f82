import Foundation
import Testing

@testable import KVServer
@testable import KVStore

struct CommandTableTests {
  @Test func `every command is found by its name in any case`() {
    let table = CommandTable.standard
    for (index, command) in table.commands.enumerated() {
      #expect(table.index(named: command.name) == index)
      #expect(table.index(named: command.name.uppercased()) == index)
    }
    for (index, command) in table.commands[..<table.topLevelCount].enumerated() {
      #expect(command.name.withRawBytes { table.index(of: $0) } == index)
    }
  }

  @Test func `a subcommand is named after its container`() {
    for command in CommandTable.standard.commands {
      for subcommand in command.subcommands {
        #expect(subcommand.name.hasPrefix(command.name + "|"))
        #expect(subcommand.subcommands.isEmpty)
      }
    }
  }

  @Test func `what Redis has too has its shape`() {
    for command in CommandTable.standard.commands {
      guard let facts = CommandFacts.byName[command.name] else { continue }
      #expect(command.arity == facts.arity, "\(command.name)")
      for (flag, name) in Command.Flags.names where flag != .noTransaction {
        #expect(
          command.flags.contains(flag) == facts.flags.contains(name), "\(command.name) \(name)")
      }
      // The range that the dispatcher goes by spans all places that Redis tells.
      let places = facts.keySpecs.compactMap(\.place)
      #expect(command.keys.first == places.map(\.index).min() ?? 0, "\(command.name)")
      #expect((command.keys.first > 0) == !places.isEmpty, "\(command.name)")
    }
  }

  @Test func `a command that names keys tells who may name them`() {
    for command in CommandTable.standard.commands {
      #expect(command.keys.first == 0 || command.hasKeys, "\(command.name)")
    }
  }

  @Test(arguments: [
    "", "ge", "gett", "get\0", "\0get", "averyveryverylongname", "set[", "GE\u{54}X",
  ])
  func `what is no command is not found`(name: String) {
    #expect(name.withRawBytes { CommandTable.standard.index(of: $0) } == nil)
  }

  @Test func `a writing command is not read-only`() {
    for command in CommandTable.standard.commands {
      #expect(!command.flags.isSuperset(of: [.write, .readOnly]), "\(command.name)")
    }
  }

  private static func document(_ name: String) throws -> String {
    let root = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
  }

  @Test func `the table of Redis's commands says what there is`() throws {
    let text = try Self.document("commands.md")
    let lines = text.components(separatedBy: "## Every command of Redis 7\n")[1].split(
      separator: "\n"
    )
    .drop { !$0.hasPrefix("|--") }.dropFirst().prefix { $0.hasPrefix("|") }
    var there: [String] = []
    var absent: [String] = []
    for line in lines {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      #expect(cells.count == 7, "\(line)")
      for (index, cell) in cells.enumerated() where (2...5).contains(index) {
        let names = cell.split { " `–".contains($0) }.map { $0.lowercased() }
        if index < 5 { there += names } else { absent += names }
      }
    }
    #expect(there.count + absent.count == 240)
    for name in absent { #expect(CommandTable.standard.index(named: name) == nil, "\(name)") }
    let table = CommandTable.standard
    let own = table.commands.prefix(table.topLevelCount).map(\.name).filter { !$0.hasPrefix("kv.") }
    #expect(there.sorted() == own.sorted())
  }

  @Test func `every command and every statistic is documented`() throws {
    let text = try Self.document("commands.md")
    let words = Set(text.split { !($0.isLetter || ".-_".contains($0)) })
    for command in CommandTable.standard.commands {
      for part in command.name.uppercased().split(separator: "|") {
        #expect(words.contains(part), "\(command.name)")
      }
    }
    for field in Statistics().fields { #expect(words.contains(field.name[...]), "\(field.name)") }
  }

  @Test func `the table of waits has a row for every command`() throws {
    let rows = Set(
      try Self.document("stalls.md").split(separator: "\n").compactMap {
        $0.split(separator: "`").dropFirst().first
      })
    let missing = CommandTable.standard.commands.filter {
      $0.subcommands.isEmpty
        && !rows.contains($0.name.uppercased().replacing("|", with: " ")[...])
    }
    #expect(missing.map(\.name) == [])
  }
}
