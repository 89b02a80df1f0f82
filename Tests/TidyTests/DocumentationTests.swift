import Testing

/// Nothing public ships undocumented.
@Suite struct DocumentationTests {
  /// What a protocol of the standard library has documented already.
  static let inherited = ["var description:", "static func ==", "static func <", "func hash(into"]

  @Test(
    arguments: [
      "Sources/Base", "Sources/TxnWAL", "Sources/KVStore", "Sources/KVData", "Sources/KVFoundation",
    ])
  func `every public declaration follows a doc comment`(folder: String) throws {
    for file in try SourceTree.files(under: folder) {
      for line in Self.undocumented(in: file) {
        Issue.record("\(file):\(line): public, and without a doc comment")
      }
    }
  }

  /// The numbers of the lines where a public declaration begins that no doc comment precedes.
  static func undocumented(in file: SourceFile) -> [Int] {
    let lines = file.lines
    return lines.indices.filter { index in
      guard Self.isPublicDeclaration(lines[index]) else { return false }
      let above = lines[..<index].last { !$0.isAttribute }
      return above?.drop { $0 == " " }.hasPrefix("///") != true
    }.map { $0 + 1 }
  }

  static func isPublicDeclaration(_ line: Substring) -> Bool {
    if line.isComment || Self.inherited.contains(where: line.contains) { return false }
    let words = line.split(separator: " ")
    guard let position = words.firstIndex(where: { $0 == "public" || $0 == "open" }) else {
      return false
    }
    let modifiers: Set<Substring> = ["static", "final", "nonisolated", "indirect", "override"]
    let isLeading = words[..<position].allSatisfy { $0.hasPrefix("@") || modifiers.contains($0) }
    return isLeading && !words[position...].contains("import")
      && words.dropFirst(position + 1).first != "extension"
  }

  @Test(
    arguments: [
      ("public func a() {}", 1), ("/// Why.\npublic func a() {}", 0),
      ("/// Why.\n@inlinable\npublic func a() {}", 0), ("@inlinable public func a() {}", 1),
      ("// Not a doc comment.\n  public static let a = 1", 1), ("static public let a = 1", 1),
      ("public import KVStore", 0), ("let text = \"a public word\"", 0), ("func a() {}", 0),
      ("  public var description: String { \"\" }", 0), ("/// Why.\n\npublic struct A {}", 1),
    ])
  func `a missing doc comment is noticed`(text: String, count: Int) {
    let file = SourceFile(path: "", text: text + "\n")
    #expect(Self.undocumented(in: file).count == count)
  }
}
