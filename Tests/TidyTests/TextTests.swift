import Testing

/// What a file looks like, whatever it says.
@Suite struct TextTests {
  static let extensions: Set<String> = ["swift", "h", "modulemap", "py"]

  @Test func `no source file is longer than 400 lines`() throws {
    for file in try SourceTree.files(under: "Sources", extensions: Self.extensions) {
      let count = file.lines.count - 1
      #expect(count <= 400, "\(file) has \(count) lines: it holds more than one idea")
    }
  }

  @Test(arguments: ["Sources", "Tests", "scripts", "bench", "demo", "fuzz"])
  func `lines are clean`(folder: String) throws {
    for file in try SourceTree.files(under: folder, extensions: Self.extensions) {
      #expect(file.text.hasSuffix("\n"), "\(file) does not end with a newline")
      for (index, line) in file.lines.enumerated() {
        let place = "\(file):\(index + 1)"
        #expect(!line.contains("\t"), "\(place): a tab")
        #expect(!line.contains("\r"), "\(place): a carriage return")
        #expect(line.last != " ", "\(place): a space at the end")
      }
    }
  }

  /// The words are put together here so that this file may be looked at too.
  @Test(arguments: ["TO" + "DO", "FIX" + "ME", "X" + "XX"])
  func `nothing is left for later`(word: String) throws {
    for folder in ["Sources", "Tests", "scripts", "bench", "demo", "fuzz"] {
      for file in try SourceTree.files(under: folder, extensions: Self.extensions) {
        #expect(!file.contains(word: word), "\(file) says \(word)")
      }
    }
  }
}
