import Foundation
import Testing

@testable import KVStore

/// What an open makes of a directory that is not as it was left.
@Suite struct StoreOpeningTests {
  /// A closed store of two partitions with a hundred keys in LMDB, as files to be tampered with.
  private final class ClosedStore {
    let directory = TemporaryDirectory()
    var path: String { directory.path }
    var options = StoreOptions()

    init() throws {
      options.partitionCount = 2
      options.segmentByteCount = 64 << 10
      let store = try Store.open(at: path, options: options)
      var batch = Batch()
      for number in 0..<100 { try batch.put(bytes("\(number)"), bytes("value")) }
      try store.commit(batch)
      try store.close()
    }

    func open() throws(StoreError) -> Store { try Store.open(at: path, options: options) }

    func data(_ partition: Int) -> String { "\(path)/partition-000\(partition)/data.mdb" }

    func expectCorruption(
      naming name: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let found = finding { try self.open().close() }
      #expect(found?.file.contains(name) == true, sourceLocation: sourceLocation)
    }

    func expectWhole(sourceLocation: SourceLocation = #_sourceLocation) throws {
      let store = try open()
      #expect(try store.countEntries() == 100, sourceLocation: sourceLocation)
      try store.close()
    }
  }

  private let files = FileManager.default

  @Test func `a manifest changed in any byte stops the open and nothing is changed`() throws {
    let closed = try ClosedStore()
    let path = "\(closed.path)/MANIFEST"
    let sound = contents(path)
    for place in sound.indices {
      var changed = sound
      changed[place] ^= 0x10
      write(changed, to: path)
      #expect(throws: StoreError.self) { try closed.open() }
      #expect(contents(path) == changed)
    }
    for count in stride(from: 0, to: sound.count, by: 5) {
      write(Array(sound[..<count]), to: path)
      #expect(throws: StoreError.self) { try closed.open() }
    }
    write(sound, to: path)
    try closed.expectWhole()
  }

  @Test func `a store whose manifest is lost is never begun again`() throws {
    let closed = try ClosedStore()
    let path = "\(closed.path)/MANIFEST"
    let sound = contents(path)
    try files.removeItem(atPath: path)
    closed.expectCorruption(naming: "MANIFEST")
    try files.removeItem(atPath: "\(closed.path)/log")
    closed.expectCorruption(naming: "MANIFEST")
    write(sound, to: path)
    #expect(throws: StoreError.self) { try closed.open() }
  }

  @Test func `a store whose making was interrupted is begun again`() throws {
    let closed = try ClosedStore()
    try files.removeItem(atPath: "\(closed.path)/MANIFEST")
    write([], to: "\(closed.path)/CREATING")
    let store = try closed.open()
    #expect(store.openReport.isNew)
    #expect(try store.countEntries() == 0)
    try store.put([1], [1])
    try store.close()
    #expect(!files.fileExists(atPath: "\(closed.path)/CREATING"))
    let again = try closed.open()
    #expect(try again.countEntries() == 1)
    try again.close()
  }

  @Test func `a note of making beside a manifest is only left over`() throws {
    let closed = try ClosedStore()
    write([], to: "\(closed.path)/CREATING")
    try closed.expectWhole()
    #expect(!files.fileExists(atPath: "\(closed.path)/CREATING"))
  }

  @Test(arguments: [0, 1])
  func `a partition that is missing, empty, cut or another's stops the open`(index: Int) throws {
    let closed = try ClosedStore()
    let path = closed.data(index)
    let sound = contents(path)
    let name = "partition-000\(index)"
    try files.removeItem(atPath: path)
    closed.expectCorruption(naming: name)
    #expect(!files.fileExists(atPath: path))
    for count in [0, 1, 4096, 8192, sound.count / 2, sound.count - 1] {
      write(Array(sound[..<count]), to: path)
      closed.expectCorruption(naming: name)
    }
    write(contents(closed.data(1 - index)), to: path)
    closed.expectCorruption(naming: name)
    let other = try ClosedStore()
    write(contents(other.data(index)), to: path)
    closed.expectCorruption(naming: name)
    write(sound, to: path)
    try closed.expectWhole()
  }

  @Test func `an older copy of a partition stops the open`() throws {
    let closed = try ClosedStore()
    let older = contents(closed.data(0))
    let store = try closed.open()
    for number in 0..<100 { try store.put(bytes("\(number)"), bytes("newer")) }
    try store.close()
    write(older, to: closed.data(0))
    closed.expectCorruption(naming: "partition-0000")
  }

  @Test func `another store's log, or none, stops the open`() throws {
    let closed = try ClosedStore()
    let other = try ClosedStore()
    let log = "\(closed.path)/log"
    try files.moveItem(atPath: log, toPath: "\(closed.path)/kept")
    #expect(throws: StoreError.self) { try closed.open() }
    try? files.removeItem(atPath: log)
    try files.copyItem(atPath: "\(other.path)/log", toPath: log)
    closed.expectCorruption(naming: "log")
    try files.removeItem(atPath: log)
    try files.moveItem(atPath: "\(closed.path)/kept", toPath: log)
    try closed.expectWhole()
  }

  @Test func `a store that is open is not opened again`() throws {
    let fixture = try StoreFixture()
    let error = #expect(throws: StoreError.self) {
      try Store.open(at: fixture.directory.path)
    }
    guard case .locked = error else {
      Issue.record("not locked: \(String(describing: error))")
      return
    }
    try fixture.store.put([1], [1])
    try fixture.reopen()
    #expect(try fixture.store.get([1]) == [1])
  }

  private static let badOptions: [@Sendable (inout StoreOptions) -> Void] = [
    { $0.partitionCount = 0 }, { $0.partitionCount = 1025 }, { $0.partitionCount = -1 },
    { $0.memoryByteCount = (8 << 20) - 1 }, { $0.memoryByteCount = -1 },
    { $0.segmentByteCount = 60 << 10 }, { $0.segmentByteCount = (64 << 10) + 1 },
    { $0.segmentByteCount = -4096 }, { $0.segmentByteCount = (1 << 30) + 4096 },
    { $0.applyThreadCount = 0 }, { $0.applyThreadCount = 65 }, { $0.logByteLimit = -1 },
  ]

  @Test(arguments: badOptions.indices)
  func `an option out of range is refused and nothing is made`(index: Int) throws {
    let directory = TemporaryDirectory()
    var options = StoreOptions()
    Self.badOptions[index](&options)
    let error = #expect(throws: StoreError.self) {
      try Store.open(at: "\(directory.path)/store", options: options).close()
    }
    guard case .invalidOption = error else {
      Issue.record("not an invalid option: \(String(describing: error))")
      return
    }
    #expect(!files.fileExists(atPath: "\(directory.path)/store"))
  }

  @Test func `the partitions of a store are those it was made with`() throws {
    let closed = try ClosedStore()
    closed.options.partitionCount = 5
    closed.options.segmentByteCount = 1 << 20
    try closed.expectWhole()
    let store = try closed.open()
    #expect(try store.statistics().partitionCount == 2)
    #expect(store.coordinator.segmentByteCount == 64 << 10)
    try store.close()
  }

  @Test func `a path that cannot be a directory is an error`() throws {
    let directory = TemporaryDirectory()
    write([1], to: "\(directory.path)/file")
    #expect(throws: StoreError.self) { try Store.open(at: "\(directory.path)/file") }
    #expect(throws: StoreError.self) { try Store.open(at: "\(directory.path)/file/store") }
    #expect(contents("\(directory.path)/file") == [1])
  }

  @Test(.enabled(if: getuid() != 0, "permissions do not bind root"))
  func `a directory that cannot be written is an error`() throws {
    let closed = try ClosedStore()
    let lock = "\(closed.path)/LOCK"
    try files.setAttributes([.posixPermissions: 0o400], ofItemAtPath: lock)
    #expect(throws: StoreError.self) { try closed.open() }
    try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: lock)
    try closed.expectWhole()
  }

  /// Counts in a process of its own, where nobody else opens anything.
  @Test func `neither a closed store nor a refused open leaves files or threads behind`() async {
    await #expect(processExitsWith: .success) {
      func resources() throws -> [Int] {
        try ["fd", "task"].map {
          try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\($0)").count
        }
      }
      let closed = try ClosedStore()
      try closed.expectWhole()
      let before = try resources()
      for _ in 0..<3 { try closed.expectWhole() }
      #expect(try resources() == before)

      let sound = contents(closed.data(1))
      write(Array(sound[..<4096]), to: closed.data(1))
      for _ in 0..<3 { #expect(throws: StoreError.self) { try closed.open() } }
      write(sound, to: closed.data(1))
      try FileManager.default.removeItem(atPath: "\(closed.path)/log")
      for _ in 0..<3 { #expect(throws: StoreError.self) { try closed.open() } }
      #expect(try resources() == before)
    }
  }
}
