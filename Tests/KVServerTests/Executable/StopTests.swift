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
      let transaction = try blocker.beginWrite()
      let daemon = try TestDaemon([
        "serve", "--data", directory.path, "--port", "0", "--memory", "8mib",
      ])
      usleep(300_000)
      #expect(daemon.end(with: SIGTERM) == 0)
      #expect(daemon.text.contains("stopped before the store was open; the next start goes on"))
      _ = consume transaction
      blocker.close()
    }
    let daemon = try TestDaemon.serving(directory.path, ["--memory", "8mib"])
    let client = try daemon.client()
    for number in 0..<24 { #expect(try client.ask("EXISTS", "\(number)") == ":1") }
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test func `a second signal ends a stop at once, and nothing acknowledged is lost`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--stop-seconds", "3600", "--partitions", "1"])
    #expect(try daemon.client().ask("SET", "a", "1") == "+OK")
    let inspection = try StoreInspection(at: directory.path)
    do {
      let blocker = try LMDBEnvironment(
        directory: StoreOpening.partitionPath(0, in: directory.path),
        identity: PartitionIdentity(storeID: inspection.manifest.storeID, partitionIndex: 0),
        partitionCount: 1, maxReaders: 1024)
      let transaction = try blocker.beginWrite()
      daemon.signal(SIGTERM)
      #expect(daemon.says("stopping; a second signal stops at once"))
      #expect(daemon.end(with: SIGINT) == 1)
      #expect(daemon.text.contains("signal \(SIGINT): stopping at once"))
      _ = consume transaction
      blocker.close()
    }
    let again = try TestDaemon.serving(directory.path)
    #expect(try again.client().ask("GET", "a") == "$1")
    #expect(again.end(with: SIGTERM) == 0)
  }

  @Test func `stopping ends at its deadline, and nothing acknowledged is lost`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--stop-seconds", "1", "--partitions", "1"])
    #expect(try daemon.client().ask("SET", "a", "1") == "+OK")
    let inspection = try StoreInspection(at: directory.path)
    do {
      let blocker = try LMDBEnvironment(
        directory: StoreOpening.partitionPath(0, in: directory.path),
        identity: PartitionIdentity(storeID: inspection.manifest.storeID, partitionIndex: 0),
        partitionCount: 1, maxReaders: 1024)
      let transaction = try blocker.beginWrite()
      #expect(daemon.end(with: SIGTERM) == 1)
      #expect(daemon.text.contains("not stopped after 1 seconds"))
      _ = consume transaction
      blocker.close()
    }
    let again = try TestDaemon.serving(directory.path)
    #expect(try again.client().ask("GET", "a") == "$1")
    #expect(again.end(with: SIGTERM) == 0)
  }
}
