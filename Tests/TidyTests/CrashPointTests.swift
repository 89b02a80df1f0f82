import Foundation
import Testing

/// Every step of the pipeline can be made to end the process, and no name of a place goes unused.
@Suite struct CrashPointTests {
  /// Where the steps are, and what the names of their crash points may begin with.
  static let steps: [(files: [String], prefixes: [String])] = [
    (["Sources/TxnWAL/Commit/Sequencer.swift"], ["batch", "intent", "marker", "abort"]),
    (["Sources/TxnWAL/Log/LogWriter.swift"], ["group"]),
    (["Sources/TxnWAL/Log/SegmentKeeper.swift"], ["checkpoint", "segment"]),
    (["Sources/TxnWAL/Retention/HoldsFile.swift"], ["holds"]),
    (["Sources/TxnWAL/Log/ControlFile.swift"], ["control", "logControl"]),
    (["Sources/TxnWAL/Commit/LogOpening.swift"], ["log", "epoch", "leftover"]),
    (["Sources/TxnWAL/Recovery/Recovery.swift"], ["recovery"]),
    (["Sources/TxnWAL/Recovery/TailSettlement.swift"], ["tail"]),
    (["Sources/KVStore/Apply/MemtableApply.swift"], ["apply"]),
    (
      ["Sources/KVStore/Deletes/PurgeChunk.swift", "Sources/KVStore/Deletes/PurgeWorker.swift"],
      ["purge"]
    ),
    (["Sources/KVStore/Reads/ConsistentCut.swift"], ["cut"]),
    (["Sources/KVStore/Reads/ReaderLookup.swift"], ["lookup"]),
    (["Sources/KVStore/Reads/KeyWatch.swift"], ["watch"]),
    (["Sources/KVStore/Store/StoreCreation.swift"], ["create"]),
    (["Sources/KVStore/Manifest/ManifestFile.swift"], ["manifest"]),
  ]

  @Test func `every step of the pipeline has crash points of its own`() throws {
    let files = try SourceTree.files(under: "Sources")
    for step in Self.steps {
      let names = files.filter { step.files.contains($0.path) }.flatMap { Self.reached(in: $0) }
      for prefix in step.prefixes {
        #expect(names.contains { $0.hasPrefix(prefix) }, "\(step.files): none named \(prefix)…")
      }
    }
  }

  @Test func `every crash point is reached in one place of the step that it is named after`() throws
  {
    let files = try SourceTree.files(under: "Sources")
    let declared = try #require(
      files.first { $0.path == "Sources/Base/Faults/CrashPoint.swift" })
    let cases = declared.lines.filter { $0.hasPrefix("  case ") }.flatMap {
      $0.dropFirst(7).split(separator: ",").map { $0.filter { $0 != " " } }
    }
    #expect(cases.count > 50)
    let reached = files.flatMap { Self.reached(in: $0) }
    for name in cases { #expect(reached.filter { $0 == name }.count == 1, "\(name)") }
    #expect(Set(reached) == Set(cases))
    let known = Self.steps.flatMap(\.prefixes)
    for name in cases { #expect(known.contains { name.hasPrefix($0) }, "\(name)") }
  }

  static func reached(in file: SourceFile) -> [String] {
    file.lines.compactMap { line in
      guard let start = line.range(of: "CrashPoint.reached(.")?.upperBound else { return nil }
      return String(line[start...].prefix { $0 != ")" })
    }
  }
}
