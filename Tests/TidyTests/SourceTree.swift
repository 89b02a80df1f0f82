import Foundation
import Testing

/// A text file of the package, as the house rules look at it.
struct SourceFile: CustomStringConvertible {
  /// The path from the package's root, with `/` between folders.
  let path: String
  let text: String

  var description: String { path }

  /// The lines without their ends.
  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// Whether `word` stands in the file with no letter, digit or underscore beside it.
  func contains(word: String) -> Bool {
    text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0 == word }
  }

  /// The modules that the file imports.
  var imports: Set<Substring> {
    var modules: Set<Substring> = []
    for line in lines {
      let words = line.split { $0 == " " || $0 == "." }
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else {
        continue
      }
      let isDeclaration = words[..<keyword].allSatisfy {
        $0.hasPrefix("@")
          || ["public", "package", "internal", "private", "fileprivate"].contains($0)
      }
      if isDeclaration { modules.insert(words[keyword + 1]) }
    }
    return modules
  }
}

/// The package's files, found from where this one is.
enum SourceTree {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every file under `folder` whose name ends in one of `extensions`, in the order of their paths.
  /// A folder without any is an error: a rule that looks at nothing would hold forever.
  static func files(under folder: String, extensions: Set<String> = ["swift"]) throws
    -> [SourceFile]
  {
    let top = root.appending(path: folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: top.path(percentEncoded: false))
    let files =
      try names
      .filter {
        extensions.contains(URL(filePath: $0).pathExtension) && !$0.contains("__pycache__")
      }
      .sorted()
      .map { name in
        SourceFile(
          path: folder + "/" + name,
          text: try String(contentsOf: top.appending(path: name), encoding: .utf8))
      }
    try #require(!files.isEmpty, "no file to look at under \(folder)")
    return files
  }
}
