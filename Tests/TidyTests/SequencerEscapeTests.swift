import Foundation
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
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["swiftc", "-swift-version", "6", "-parse-as-library", "-emit-sil", "-o", "/dev/null"]
      + ["-I", modulesFolder(beside: modules)]
      + ["-Xcc", "-fmodule-map-file=\(SourceTree.root.path)/Sources/CLinux/module.modulemap"]
      + [file.path]
    // A file, and no pipe: a child that another test starts meanwhile would hold that open.
    let output = folder.appending(path: "errors")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return text.split(separator: "\n").filter { $0.contains("error: ") }.map(String.init)
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
