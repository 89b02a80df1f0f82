import Testing

/// Where the compiler's guarantees end is written down, and stays few.
@Suite struct UnsafeTests {
  /// The audit list: the only files that may contain the word `unsafe`. A file that is added here is
  /// one more that a reviewer has to read line by line.
  static let audited: Set<String> = [
    "Sources/TxnWAL/Format/Bytes.swift",
    "Sources/TxnWAL/Format/CRC32C.swift",
  ]

  /// How long the audit list may become.
  static let limit = 16

  @Test func `unsafe code lives in the audited files only`() throws {
    let found = Set(
      try SourceTree.files(under: "Sources").filter { $0.contains(word: "unsafe") }.map(\.path))
    #expect(found.subtracting(Self.audited).isEmpty, "not on the audit list")
    #expect(Self.audited.subtracting(found).isEmpty, "on the audit list without need")
    #expect(Self.audited.count <= Self.limit)
  }

  @Test func `every unchecked Sendable has its reason beside it or right above`() throws {
    for file in try SourceTree.files(under: "Sources") {
      let lines = file.lines
      for (index, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
        if line.contains("//") { continue }
        let above = lines[..<index].last { !$0.isAttribute }
        #expect(
          above?.isComment == true, "\(file):\(index + 1): why is it sound to send this?")
      }
    }
  }
}

extension Substring {
  /// Whether the line is a comment and nothing else.
  var isComment: Bool { drop { $0 == " " }.hasPrefix("//") }

  /// Whether the line holds an attribute of the declaration below it and nothing else.
  var isAttribute: Bool {
    let content = drop { $0 == " " }
    guard content.hasPrefix("@") else { return false }
    let name = content.prefix { $0 != "(" && $0 != " " }
    let rest = content.dropFirst(name.count)
    return rest.isEmpty || rest.hasPrefix("(") && rest.hasSuffix(")")
  }
}
