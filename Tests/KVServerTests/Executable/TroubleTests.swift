import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// What the log tells of a store that is in trouble while it is served. Story: it told nothing, and a stop said that
/// the store was closed, and exited with 0, while writes were refused.
struct TroubleTests {
  @Test func `a directory that is removed is told, writes are refused, and the stop says so`()
    throws
  {
    for victim in ["", "/log", "/partition-0001"] {
      let directory = TestDirectory()
      let path = directory.path + "/data"
      let daemon = try TestDaemon.serving(path, ["--partitions", "2"])
      let client = try daemon.client()
      #expect(try client.ask("SET", "a", "1") == "+OK")
      #expect(rename(path + victim, directory.path + "/elsewhere") == 0)
      #expect(daemon.says("no longer exists"), "\(victim)")
      #expect(
        daemon.text.contains(
          "writes are refused after an error: the store's files were removed or replaced: \(path)"))
      #expect(
        try client.ask("SET", "a", "2").hasPrefix(
          "-MISCONF writes are refused after an error: the store's"))
      #expect(try client.ask("GET", "a") == "$1")
      #expect(try client.ask("INFO", "persistence").contains("aof_last_write_status:err"))
      #expect(daemon.end(with: SIGTERM) == 1)
      #expect(
        daemon.text.contains("stopped while writes were refused after an error: the store's files"))
      #expect(!daemon.text.contains("the store is closed"))
      // What was acknowledged is there.
      #expect(rename(directory.path + "/elsewhere", path + victim) == 0)
      let again = try TestDaemon.serving(path)
      #expect(try again.client().ask("GET", "a") == "$1")
      #expect(again.end(with: SIGTERM) == 0)
    }
  }

  @Test(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
  func `a full disk is told, and that there is room again`() throws {
    let disk = try SmallDisk(byteCount: 64 << 20)
    let daemon = try TestDaemon.serving(
      disk.path + "/data", ["--partitions", "2", "--memory", "8mib", "--segment", "256kib"])
    let client = try daemon.client()
    let value = String(repeating: "v", count: 10_000)
    #expect(try client.ask("INFO", "persistence").contains("aof_last_write_status:ok"))
    disk.fill(leaving: 1 << 20)
    var reply = "+OK"
    for number in 0..<10_000 where reply == "+OK" {
      reply = try client.ask("SET", "key \(number)", value)
    }
    #expect(reply.hasPrefix("-MISCONF no space left for "))
    #expect(daemon.says("writes are refused: no space left for "))
    #expect(try client.ask("INFO", "persistence").contains("aof_last_write_status:err"))
    disk.empty()
    #expect(daemon.says("disk space is available again: writes are accepted"))
    #expect(try client.ask("INFO", "persistence").contains("aof_last_write_status:ok"))
    #expect(try client.ask("SET", "a", "1") == "+OK")
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
  func `running out of inodes is called so`() throws {
    let disk = try SmallDisk(byteCount: 64 << 20, inodeCount: 8)
    let daemon = try TestDaemon(["serve", "--data", disk.path + "/data", "--port", "0"])
    #expect(daemon.wait() == 1)
    #expect(daemon.text.contains("no inodes left for "), "\(daemon.text)")
  }

  @Test(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
  func `recover tells what it found where a full disk keeps it from going on`() throws {
    let disk = try SmallDisk(byteCount: 64 << 20)
    let path = disk.path + "/data"
    let arguments = ["--partitions", "2", "--memory", "32mib", "--segment", "256kib"]
    let daemon = try TestDaemon.serving(path, arguments)
    let client = try daemon.client()
    let value = String(repeating: "v", count: 10_000)
    for number in 0..<1000 {
      #expect(try client.ask("SET", "key \(number)", value) == "+OK")
    }
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    disk.fill(leaving: 0)
    let tool = try TestDaemon(["recover", "--data", path, "--memory", "32mib"])
    #expect(tool.wait() == 4)
    #expect(tool.text.contains("log: read "), "\(tool.text)")
    #expect(
      tool.text.contains(
        "kvd recover: recovery is incomplete; the log keeps everything that is not in the partitions yet: no space left"
      ))
    // Where memory does not hold it either the store cannot even be opened, for want of room all the same.
    let small = try TestDaemon(["recover", "--data", path, "--memory", "8mib"])
    #expect(small.wait() == 4)
    #expect(small.text.contains("no space left for "), "\(small.text)")
    let again = try TestDaemon.serving(path, arguments)
    #expect(try again.client().ask("STRLEN", "key 999") == ":10000")
    #expect(again.end(with: SIGKILL) == -SIGKILL)
    disk.empty()
    #expect(try TestDaemon(["recover", "--data", path]).wait() == 0)
    let last = try TestDaemon.serving(path, arguments)
    #expect(try last.client().ask("DBSIZE") == ":1000")
  }

  @Test func `each change of state is told once`() {
    var report = StoreReport()
    var state = StoreReport.State()
    #expect(report.lines(for: state).isEmpty)
    state.fullDisk = "no space left for x"
    #expect(report.lines(for: state).count == 1)
    #expect(report.lines(for: state).isEmpty)
    state.fullDisk = nil
    state.isMemoryFull = true
    state.isClientMemoryFull = true
    state.damagedPartitions = [(3, "corrupted")]
    #expect(report.lines(for: state).count == 4)
    #expect(report.lines(for: state).isEmpty)
    state.isMemoryFull = false
    state.isClientMemoryFull = false
    state.poison = "writes are refused after an error: the disk failed"
    #expect(report.lines(for: state).count == 3)
    #expect(report.lines(for: state).isEmpty)
    state.damage = [(1, ["k"], 7)]
    #expect(
      report.lines(for: state) == [
        "partition 1 has a damaged value: k; rewrite the key or restore it from a backup",
        "partition 1 has 7 more: run `kvd check`, and see damaged_values in INFO kvd",
      ])
  }
}
