import Foundation
import Testing

@testable import KVServer
@testable import KVStore

struct CommandTableTests {
  @Test func `every command is found by its name in any case`() {
    let table = CommandTable.standard
    for (index, command) in table.commands.enumerated() {
      #expect(command.name.withRawBytes { table.index(of: $0) } == index)
      #expect(command.name.uppercased().withRawBytes { table.index(of: $0) } == index)
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
    let words = Set(text.split { !($0.isLetter || $0 == "." || $0 == "_") })
    for command in CommandTable.standard.commands {
      #expect(words.contains(command.name.uppercased()[...]), "\(command.name)")
    }
    for field in Statistics().fields { #expect(words.contains(field.name[...]), "\(field.name)") }
  }
}
