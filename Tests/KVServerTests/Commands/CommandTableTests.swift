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

  @Test func `every command and every statistic is documented`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "docs/commands.md"), encoding: .utf8)
    let words = Set(text.split { !($0.isLetter || ".-_".contains($0)) })
    for command in CommandTable.standard.commands {
      for part in command.name.uppercased().split(separator: "|") {
        #expect(words.contains(part), "\(command.name)")
      }
    }
    for field in Statistics().fields { #expect(words.contains(field.name[...]), "\(field.name)") }
  }
}
