import Testing

@testable import KVServer

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
}
