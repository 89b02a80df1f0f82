import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// What `kvd` does with its files and descriptors, seen from outside.
struct FileTests {
  /// With stderr closed, LOCK or a partition's lock.mdb once became descriptor 2, and messages were
  /// written into it.
  @Test(arguments: ["exec 2>&-", "exec <&- 2>&-", "exec 1>&- 2>&-"])
  func `no file of the store becomes a standard descriptor`(closing: String) throws {
    let directory = TestDirectory()
    let socket = directory.path + "/socket"
    let daemon = try TestDaemon(
      [
        "serve", "--data", directory.path, "--port", "0", "--partitions", "2", "--unixsocket",
        socket,
      ], shell: closing)
    while access(socket, F_OK) != 0 { usleep(10_000) }
    #expect(daemon.end(with: SIGTERM) == 0)
    let lock = try #require(try SmallFile.contents(of: directory.path + "/LOCK"))
    #expect(String(decoding: lock, as: UTF8.self).hasPrefix("pid "))
    #expect(!String(decoding: lock, as: UTF8.self).contains("ready"))
    for index in 0..<2 {
      let path = directory.path + "/partition-000\(index)/lock.mdb"
      let bytes = try #require(try SmallFile.contents(of: path))
      #expect(!String(decoding: bytes, as: UTF8.self).contains("opened"))
    }
  }

  @Test(
    .disabled(
      if: Sanitizer.isThread, "a hundred maps do not fit beside what the thread sanitizer needs"))
  func `a soft limit on descriptors that the partitions pass is raised first`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--partitions", "100", "--segment", "1mib"], shell: "ulimit -Sn 100")
    #expect(try daemon.client().ask("PING") == "+PONG")
    #expect(daemon.end(with: SIGTERM) == 0)
    let recovery = try TestDaemon(["recover", "--data", directory.path], shell: "ulimit -Sn 100")
    #expect(recovery.wait() == 0, "\(recovery.text)")
    let check = try TestDaemon(["check", "--data", directory.path], shell: "ulimit -Sn 100")
    #expect(check.wait() == 0, "\(check.text)")
  }

  @Test func `stat shows what can be read of a store that lacks a partition`() throws {
    let directory = TestDirectory()
    #expect(try TestDaemon.serving(directory.path).end(with: SIGTERM) == 0)
    unlink(directory.path + "/partition-0003/data.mdb")
    let stat = try TestDaemon(["stat", "--data", directory.path])
    #expect(stat.wait() == 2)
    #expect(stat.text.contains("kvd stat: partition 3 cannot be read: "))
    let lines = stat.text.split(separator: "\n").map { $0.drop { $0 == " " } }
    for index in 0..<8 {
      #expect(lines.contains { $0.hasPrefix("\(index) ") } == (index != 3))
    }
  }

  @Test func `a directory that was open to others before is told`() throws {
    let directory = TestDirectory()
    chmod(directory.path, 0o755)
    let daemon = try TestDaemon.serving(directory.path)
    #expect(daemon.text.contains("is accessible to other users (mode 755)"))
    #expect(daemon.end(with: SIGTERM) == 0)
  }
}
