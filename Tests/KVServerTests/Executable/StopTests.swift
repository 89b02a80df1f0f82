import Base
import Glibc
import Testing

@testable import KVStore

/// How `kvd serve` ends when it is told to while it cannot finish.
struct StopTests {
  /// A store whose log holds more than recovery may keep in memory.
  private func longLog() throws -> TestDirectory {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--memory", "256mib", "--partitions", "2"])
    let client = try daemon.client()
    let value = String(repeating: "v", count: 1 << 20)
    for number in 0..<24 { #expect(try client.ask("SET", "\(number)", value) == "+OK") }
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    return directory
  }

  /// Lets another process open the data file that this one has open: nothing outside of a test does that.
  private func unlockDataFile(at path: String) throws {
    for descriptor in try Files.names(in: "/proc/self/fd").compactMap({ Int32($0) }) {
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
      let bytes = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
      guard String(decoding: bytes, as: UTF8.self) == path else { continue }
      FileLock.release(FileDescriptor(raw: dup(descriptor), path: path))
    }
  }

  @Test func `SIGTERM during a recovery that takes long ends it with 0, and nothing is lost`()
    throws
  {
    let directory = try longLog()
    let inspection = try StoreInspection(at: directory.path)
    do {
      // Whoever holds LMDB's lock for writing keeps recovery from going on.
      let blocker = try LMDBEnvironment(
        directory: StoreOpening.partitionPath(0, in: directory.path),
        identity: PartitionIdentity(storeID: inspection.manifest.storeID, partitionIndex: 0),
        partitionCount: 2, maxReaders: 1024)
      try unlockDataFile(at: blocker.path)
      let transaction = try blocker.beginWrite()
      let daemon = try TestDaemon([
        "serve", "--data", directory.path, "--port", "0", "--memory", "8mib",
      ])
      usleep(300_000)
      #expect(daemon.end(with: SIGTERM) == 0)
      #expect(
        daemon.text.contains("stopped while opening the store; the next start will recover it"))
      _ = consume transaction
      blocker.close()
    }
    let daemon = try TestDaemon.serving(directory.path, ["--memory", "8mib"])
    let client = try daemon.client()
    for number in 0..<24 { #expect(try client.ask("EXISTS", "\(number)") == ":1") }
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  /// A client that does not read a large reply: a stop waits for it, for five seconds at most.
  private func slowClient(of daemon: TestDaemon) throws -> TestClient {
    let client = try daemon.client()
    #expect(try client.ask("SET", "a", String(repeating: "a", count: 32 << 20)) == "+OK")
    client.send("GET a\r\n")
    // It has been carried out when this one has.
    #expect(try daemon.client().ask("PING") == "+PONG")
    return client
  }

  private func expectKept(in directory: TestDirectory) throws {
    let again = try TestDaemon.serving(directory.path)
    #expect(try again.client().ask("STRLEN", "a") == ":\(32 << 20)")
    #expect(again.end(with: SIGTERM) == 0)
  }

  @Test func `a later signal ends a stop at once, and nothing acknowledged is lost`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, ["--stop-seconds", "3600"])
    let client = try slowClient(of: daemon)
    daemon.signal(SIGTERM)
    #expect(daemon.says("stopping; another signal after one second exits at once"))
    usleep(1_100_000)
    #expect(daemon.end(with: SIGINT) == 1)
    #expect(daemon.text.contains("SIGINT from process \(getpid()): exiting at once"))
    withExtendedLifetime(client) {}
    try expectKept(in: directory)
  }

  /// Story: process managers send two, to a process and to its group; the second one made a stop a crash.
  @Test func `two signals at once are one stop`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, ["--stop-seconds", "3600"])
    let client = try slowClient(of: daemon)
    daemon.signal(SIGTERM)
    daemon.signal(SIGINT)
    #expect(daemon.wait() == 0)
    #expect(daemon.text.contains(": already stopping"))
    #expect(daemon.text.contains("stopped; the store is closed"))
    withExtendedLifetime(client) {}
    try expectKept(in: directory)
  }

  @Test func `stopping ends at its deadline, and nothing acknowledged is lost`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, ["--stop-seconds", "1"])
    let client = try slowClient(of: daemon)
    #expect(daemon.end(with: SIGTERM) == 1)
    #expect(daemon.text.contains("not stopped within 1 second:"))
    withExtendedLifetime(client) {}
    try expectKept(in: directory)
  }
}
