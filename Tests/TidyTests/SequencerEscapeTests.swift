import Foundation
import Glibc
import Testing

/// The compiler refuses every way of having the sequencer outside of its lock.
@Suite struct SequencerEscapeTests {
  /// Compiles `body` as that of a function with `log`, a `Coordinator`, and returns the errors.
  private static func errors(of body: String) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "kvd-escape-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "use.swift")
    try Data("import TxnWAL\nfunc use(_ log: Coordinator) {\n\(body)\n}\n".utf8).write(to: file)
    let modules = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let words =
      ["swiftc", "-swift-version", "6", "-parse-as-library", "-emit-sil", "-o", "/dev/null"]
      + ["-I", modulesFolder(beside: modules)]
      + ["-Xcc", "-fmodule-map-file=\(SourceTree.root.path)/Sources/CLinux/module.modulemap"]
      + [file.path]
    return try output(of: words).split(separator: "\n").filter { $0.contains("error: ") }
      .map(String.init)
  }

  /// What a command prints, errors among it. With popen(3), because Foundation's `Process` leaks a little memory each
  /// time, which the address sanitizer would report.
  private static func output(of words: [String]) throws -> String {
    let command = words.map { "'\($0)'" }.joined(separator: " ")
    // Closed where another test starts a process meanwhile.
    let stream = try #require(popen("\(command) 2>&1", "re"))
    defer { pclose(stream) }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&chunk, 1, chunk.count, stream)
      if count == 0 { return String(decoding: output, as: UTF8.self) }
      output += chunk[..<count]
    }
  }

  /// The test runner is the package's own program, or the toolchain's with the package's in its arguments.
  private static func modulesFolder(beside program: String) -> String {
    let folders = ([program] + CommandLine.arguments).map {
      URL(filePath: $0).deletingLastPathComponent().appending(path: "Modules").path
    }
    return folders.first { FileManager.default.fileExists(atPath: "\($0)/TxnWAL.swiftmodule") }
      ?? "no modules of the package"
  }

  @Test func `what a turn is for compiles`() throws {
    #expect(
      try Self.errors(
        of: """
          let appended = log.sequence { $0.appended }
          log.sequence { sequencer in
            sequencer.begin()
            sequencer.cancel()
          }
          print(appended)
          """) == [])
  }

  @Test(arguments: [
    "let sequencer: Sequencer = log.sequence { $0 }; _ = sequencer.appended",
    "var kept: Sequencer? = nil; log.sequence { kept = consume $0 }; _ = kept?.appended",
    "log.sequence { sequencer in let copy = copy sequencer; _ = copy.appended }",
    "log.sequence { sequencer in _ = Task { sequencer.begin() } }",
    "var uses: [() -> Void] = []; log.sequence { s in uses.append { s.begin() } }; _ = uses",
  ])
  func `the sequencer does not leave its turn`(body: String) throws {
    #expect(try Self.errors(of: body) != [])
  }
}
