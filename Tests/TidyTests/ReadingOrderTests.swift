import Foundation
import Testing

/// The ways through the source that the README names lead through files that exist.
@Suite struct ReadingOrderTests {
  /// The README's paragraphs that begin with a bold name and list files below `Sources`.
  static func orders() throws -> [(name: Substring, files: [String])] {
    let readme = try String(
      contentsOf: SourceTree.root.appending(path: "README.md"), encoding: .utf8)
    return readme.split(separator: "\n\n").compactMap { paragraph in
      guard paragraph.hasPrefix("**"), paragraph.contains(".swift`") else { return nil }
      let words = paragraph.split { $0 == "`" || $0 == "\n" || $0 == " " }
      return (
        paragraph.dropFirst(2).prefix { $0 != "*" },
        words.filter { $0.hasSuffix(".swift") }.map { "Sources/" + $0 }
      )
    }
  }

  @Test func `each names ten files at most, and all exist`() throws {
    let orders = try Self.orders()
    #expect(orders.map(\.name) == ["A batch", "A read", "A connection", "A recovery"])
    for order in orders {
      #expect(order.files.count <= 10, "\(order.name)")
      for file in order.files {
        let path = SourceTree.root.appending(path: file).path(percentEncoded: false)
        #expect(FileManager.default.fileExists(atPath: path), "\(order.name): \(file)")
      }
    }
  }
}
