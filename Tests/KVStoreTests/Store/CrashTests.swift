import Base
import Foundation
import Synchronization
import Testing

@testable import KVStore

/// A process is killed in the middle of its work, again and again on the same directory, while it opens
/// as well. Every batch puts one stamp on several keys and a mark, and now and then deletes a range of
/// older marks.
@Suite struct CrashTests {
  private static let writerCount = 3
  private static let stampCount = 6

  /// What a writer's batch with this number does.
  private static func batch(_ writer: Int, _ number: Int) throws(StoreError) -> Batch {
    var batch = Batch()
    if number % 20 == 0 {
      try batch.deleteRange(
        KeyRange(from: bytes("mark \(writer) "), to: mark(writer, number - 10)))
      try batch.deleteRange(.prefix(bytes("stamp \(writer)")))
    }
    for place in 0..<stampCount {
      try batch.put(bytes("stamp \(writer) \(place)"), bytes("\(number)"))
    }
    try batch.put(mark(writer, number), Array(repeating: UInt8(number % 256), count: 700))
    return batch
  }

  private static func mark(_ writer: Int, _ number: Int) -> [UInt8] {
    bytes("mark \(writer) \(1_000_000 + number)")
  }

  private static func options() -> StoreOptions {
    var options = StoreOptions()
    options.partitionCount = 3
    options.segmentByteCount = 64 << 10
    options.memoryByteCount = 8 << 20
    options.logByteLimit = 256 << 10
    return options
  }

  private static func acknowledgements(_ path: String) -> String {
    guard (try? Files.exists(path)) == true else { return "" }
    return String(decoding: contents(path), as: UTF8.self)
  }

  private static func acknowledged(_ path: String, _ writer: Int) -> Int {
    let text = acknowledgements("\(path)/\(writer).acks")
    // A kill in the middle of a line leaves one without its end.
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .compactMap { Int($0) }.last ?? 0
  }

  /// In a process of its own; never returns.
  private static func work(_ path: String, killedAfterMicroseconds delay: Int) throws {
    let killer = Thread {
      usleep(UInt32(delay))
      kill(getpid(), SIGKILL)
    }
    killer.start()
    let store = try Store.open(at: "\(path)/store", options: options())
    try inThreads(writerCount + 1) { writer in
      if writer == writerCount {
        while true {
          store.seal()
          usleep(3000)
        }
      }
      let file = open("\(path)/\(writer).acks", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      var number = try numbers(in: store, writer)
      while true {
        number += 1
        try store.commit(try batch(writer, number))
        let line = bytes("\(number)\n")
        _ = write(file, line, line.count)
      }
    }
  }

  /// The newest number of a writer, after checking that its batches are whole.
  @discardableResult
  private static func numbers(in store: Store, _ writer: Int) throws -> Int {
    let stamps = try store.scan(.prefix(bytes("stamp \(writer)")), limit: .max).map(\.value)
    if stamps.isEmpty { return 0 }
    #expect(stamps.count == stampCount && Set(stamps).count == 1, "half a batch")
    let newest = try #require(Int(String(decoding: stamps[0], as: UTF8.self)))
    let oldest = max(1, newest / 20 * 20 - 10)
    let marks = try store.scan(.prefix(bytes("mark \(writer) ")), limit: .max).map(\.key)
    #expect(marks == (oldest...newest).map { mark(writer, $0) })
    return newest
  }

  @Test func `after kills at any moment what was acknowledged is there and batches are whole`()
    async throws
  {
    let directory = TemporaryDirectory()
    var random = SeededGenerator(seed: testSeed())
    var round = 0
    var total = 0
    // On a busy machine more rounds, and longer ones: there must have been work to kill.
    while round < 8 || total <= 50 && round < 80 {
      let path = directory.path
      // Some rounds end while the store is being opened.
      let delay =
        Int.random(in: round % 3 == 2 ? 500...6000 : 6000...150_000, using: &random)
        * (round / 8 + 1)
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, delay = delay as Int] in
        try Self.work(path, killedAfterMicroseconds: delay)
      }
      let store = try Store.open(at: "\(path)/store", options: Self.options())
      for writer in 0..<Self.writerCount {
        let newest = try Self.numbers(in: store, writer)
        let acknowledged = Self.acknowledged(path, writer)
        #expect((acknowledged...acknowledged + 1).contains(newest))
        // What was under way counts as acknowledged once a reader has been shown it.
        if newest > acknowledged {
          let acks = "\(path)/\(writer).acks"
          let text = Self.acknowledgements(acks)
          let whole = text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
          try (whole + "\(newest)\n").write(toFile: acks, atomically: true, encoding: .utf8)
        }
      }
      if round % 2 == 0 { try store.checkpoint() }
      try store.close()
      round += 1
      total = (0..<Self.writerCount).reduce(0) { $0 + Self.acknowledged(path, $1) }
    }
    #expect(total > 50, "the kills came before there was any work")
  }

  @Test func `removal goes on where it was after a kill in the middle`() async throws {
    let directory = TemporaryDirectory()
    let path = directory.path
    await #expect(processExitsWith: .exitCode(137)) { [path = path as String] in
      let store = try Store.open(at: "\(path)/store", options: Self.options())
      var batch = Batch()
      for number in 0..<60_000 { try batch.put(Self.mark(0, number), []) }
      try store.commit(batch)
      try store.checkpoint()
      try store.deleteRange(KeyRange(to: Self.mark(0, 59_990)))
      // Of some ten chunks in each of three partitions.
      #expect(CrashPoint.arm("purgeAfterCommit:5"))
      store.seal()
      while true { usleep(10_000) }
    }
    let manifest = try #require(try ManifestFile.read(in: "\(path)/store"))
    let left = try (0..<3).flatMap { index in
      let identity = PartitionIdentity(storeID: manifest.storeID, partitionIndex: index)
      let environment = try LMDBEnvironment(
        directory: StoreOpening.partitionPath(index, in: "\(path)/store"), identity: identity,
        partitionCount: 3, maxReaders: 8)
      return try environment.makeReader().tombstones()
    }
    #expect(left.contains { $0.position != nil }, "killed too late")
    let store = try Store.open(at: "\(path)/store", options: Self.options())
    #expect(try store.countEntries() == 10)
    try store.put(Self.mark(0, 59_980), bytes("new"))
    try store.waitUntilPurged()
    #expect(try store.countEntries() == 11)
    #expect(try store.statistics().storedEntryCount == 11)
    try store.close()
  }
}
