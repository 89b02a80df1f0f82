import Testing

@testable import KVServer

struct NameTableTests {
  /// Names of 1 to 40 bytes, far more than there are commands.
  private static let names = (0..<2_000).map { number in
    String(repeating: "x", count: number % 37) + "\(number)"
  }

  @Test func `every name is found in any case, however long it is and however many there are`() {
    let table = NameTable(Self.names.enumerated().map { ($1, $0) })
    for (number, name) in Self.names.enumerated() {
      #expect(name.withRawBytes { table.index(of: $0) } == number)
      #expect(name.uppercased().withRawBytes { table.index(of: $0) } == number)
      #expect((name + "y").withRawBytes { table.index(of: $0) } == nil)
    }
  }

  @Test(arguments: [
    "", "a", String(repeating: "a", count: 17), String(repeating: "a", count: 1_000),
  ])
  func `what is no name is not found`(name: String) {
    for table in [NameTable([]), NameTable([("b", 1)]), NameTable([(Self.names[36], 2)])] {
      #expect(name.withRawBytes { table.index(of: $0) } == nil)
    }
  }
}
