import Foundation
import Testing

/// An arrow between the layers only ever points down: kvd, KVServer, then KVData, KVStore and TxnWAL, and beside them Net,
/// then Base.
@Suite struct LayeringTests {
  @Test(
    arguments: [
      ("Base", ["TxnWAL", "KVStore", "KVData", "Net", "KVServer", "CLMDB", "CLua"]),
      ("Net", ["TxnWAL", "KVStore", "KVData", "KVServer", "CLMDB", "CLua"]),
      ("TxnWAL", ["KVStore", "KVData", "Net", "KVServer", "CLMDB", "CLua"]),
      ("KVStore", ["KVData", "Net", "KVServer", "CLua"]),
      ("KVData", ["Net", "KVServer", "TxnWAL", "CLMDB", "CLua"]),
      ("KVFoundation", ["Net", "KVServer", "KVData", "TxnWAL", "CLMDB", "CLua"]),
      ("KVServer", ["TxnWAL", "CLMDB", "KVFoundation"]),
      ("kvd", ["CLMDB", "CLua"]),
    ])
  func `a layer imports nothing from above it, nor past it`(target: String, forbidden: [Substring])
    throws
  {
    for file in try SourceTree.files(under: "Sources/" + target) {
      let found = file.imports.intersection(forbidden)
      #expect(found.isEmpty, "\(file) imports \(found.sorted())")
    }
  }

  @Test(
    arguments: [
      "resp", "redis", "command", "commands", "store", "stores", "key", "keys", "session",
      "sessions",
      "transaction", "transactions", "monitor",
    ])
  func `Net knows no protocol and nothing of what is served`(word: String) throws {
    for file in try SourceTree.files(under: "Sources/Net") {
      // `store` is also what one does with an atomic.
      let text = file.text.lowercased().replacing(".store(", with: "(")
      let isMentioned = SourceFile(path: file.path, text: text).contains(word: word)
      #expect(!isMentioned, "\(file) mentions \(word)")
    }
  }

  /// It compiles them itself, because SwiftPM cannot link a program whose `main` is libFuzzer's. It did not know of two
  /// new ones, and nobody ran it.
  @Test func `the script that fuzzes decoders compiles every layer below kvd`() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: SourceTree.root.appending(path: "Sources").path(percentEncoded: false))
    let layers = folders.filter {
      !["kvd", "KVFoundation", "CLinux", "CLMDB", "CLua"].contains($0)
    }
    let script = try String(
      contentsOf: SourceTree.root.appending(path: "scripts/fuzz-decoders"), encoding: .utf8)
    let line = try #require(script.split(separator: "\n").first { $0.hasPrefix("for module in ") })
    let modules = line.dropFirst("for module in ".count).prefix { $0 != ";" }.split(separator: " ")
    #expect(Set(modules.map(String.init)) == Set(layers))
  }

  @Test func `there is one lock type`() throws {
    for folder in ["Sources", "fuzz"] {
      for file in try SourceTree.files(under: folder) where file.contains(word: "Mutex") {
        #expect(file.path == "Sources/Base/Threads/Lock.swift", "\(file): use Lock")
      }
    }
  }

  @Test func `only KVFoundation imports Foundation`() throws {
    for file in try SourceTree.files(under: "Sources")
    where !file.imports.isDisjoint(with: ["Foundation", "FoundationEssentials"]) {
      #expect(file.path.hasPrefix("Sources/KVFoundation/"), "\(file) imports Foundation")
    }
  }

  @Test func `only the LMDB fence imports CLMDB`() throws {
    for file in try SourceTree.files(under: "Sources") where file.imports.contains("CLMDB") {
      #expect(file.path.hasPrefix("Sources/KVStore/LMDB/"), "\(file) imports CLMDB")
    }
  }

  @Test func `only the fence around Lua imports CLua`() throws {
    for file in try SourceTree.files(under: "Sources") where file.imports.contains("CLua") {
      #expect(file.path == "Sources/KVServer/Scripting/LuaMachine.swift", "\(file) imports CLua")
    }
  }

  /// The rules above stand on how imports are found.
  @Test(
    arguments: [
      ("import CLMDB", true), ("@preconcurrency import CLMDB", true), ("public import CLMDB", true),
      ("package import CLMDB.Deep", true), ("import CLMDBExtras", false),
      ("// import CLMDB", false),
      ("let text = \"import CLMDB\"", false),
    ])
  func `an import is found however it is written`(line: String, isImport: Bool) {
    let file = SourceFile(path: "", text: "import Glibc\n" + line + "\n")
    #expect(file.imports.contains("CLMDB") == isImport)
  }
}
