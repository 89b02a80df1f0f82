import Glibc
import Testing

/// Commands that write far more than they say, on a file system that has no room for that.
@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct AdmissionTests {
  private static let arguments = [
    "--partitions", "2", "--memory", "8mib", "--segment", "256kib", "--io-threads", "1",
  ]
  private static let byteCount = 3 << 20

  /// A daemon with a large value at `big` and a copy in `other`, on a disk without room for another segment.
  private func start(_ disk: SmallDisk) throws -> (TestDaemon, TestClient) {
    let daemon = try TestDaemon.serving(disk.path + "/data", Self.arguments)
    let client = try daemon.client()
    let value = String(repeating: "v", count: Self.byteCount)
    #expect(try client.ask("SET", "big", value) == "+OK")
    #expect(try client.ask("SET", "small", "x") == "+OK")
    // All of it into LMDB, so that the log's segments are free again.
    #expect(try client.ask("KV.CHECKPOINT") == "+OK")
    disk.fill(leaving: 0)
    return (daemon, client)
  }

  /// Regression: 60 MiB could be appended to a log in which 64 KiB were reserved; then the only I/O thread
  /// waited for room on the disk, and nobody was served until there was some.
  @Test(
    arguments: [
      ["EXPIRE", "big", "1000"], ["PEXPIREAT", "big", "99999999999999"],
      ["GETEX", "big", "EX", "1000"], ["APPEND", "big", "x"], ["SETRANGE", "big", "1", "x"],
      ["SETBIT", "big", "0", "1"], ["BITFIELD", "big", "SET", "u8", "0", "1"],
      ["BITOP", "NOT", "copy", "big"], ["RENAME", "big", "moved"], ["COPY", "big", "copy"],
      ["EVAL", "return redis.call('SET', 'copy', redis.call('GET', 'big'))", "0"],
      ["EVAL", "redis.call('PEXPIRE', 'big', 99999999)", "0"],
    ])
  func `a command that would write more than there is room for is refused, and others are served`(
    command: [String]
  ) throws {
    let disk = try SmallDisk(byteCount: 64 << 20)
    let (daemon, client) = try start(disk)
    let other = try daemon.client()
    client.send(TestClient.encode(command))
    #expect(try other.ask("PING") == "+PONG")
    let reply = try client.reply()
    #expect(reply.hasPrefix("-MISCONF no space left for "), "\(command): \(reply)")
    #expect(try other.ask("STRLEN", "big") == ":\(Self.byteCount)")
    #expect(try other.ask("TTL", "big") == ":-1")
    #expect(try other.ask("EXISTS", "copy", "moved") == ":0")
    // Nothing of it is left in the session or in the log.
    #expect(try client.ask("GET", "small") == "$x")
    #expect(try client.ask("DEL", "small") == ":1")
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask(command) == "+QUEUED")
    let execution = try client.ask("EXEC")
    #expect(execution.hasPrefix("-MISCONF no space left for "), "\(command): \(execution)")
    #expect(try client.ask("DISCARD") == "-ERR DISCARD without MULTI")
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    let again = try TestDaemon.serving(disk.path + "/data", Self.arguments)
    let last = try again.client()
    #expect(try last.ask("STRLEN", "big") == ":\(Self.byteCount)")
    #expect(try last.ask("EXISTS", "small", "copy", "moved") == ":0")
  }

  @Test
  func `a command that writes more than there are segments for is carried out when there are`()
    throws
  {
    let disk = try SmallDisk(byteCount: 160 << 20)
    let daemon = try TestDaemon.serving(disk.path + "/data", Self.arguments)
    let client = try daemon.client()
    let value = String(repeating: "v", count: Self.byteCount)
    #expect(try client.ask("SET", "big", value) == "+OK")
    #expect(try client.ask("KV.CHECKPOINT") == "+OK")
    #expect(try client.ask("EXPIRE", "big", "1000") == ":1")
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("APPEND", "big", "x") == "+QUEUED")
    #expect(try client.ask("COPY", "big", "copy") == "+QUEUED")
    #expect(try client.ask("INCR", "once") == "+QUEUED")
    #expect(try client.ask("EXEC") == "[:\(Self.byteCount + 1) :1 :1]")
    let script = "redis.call('INCR', 'twice'); return redis.call('APPEND', 'big', 'y')"
    #expect(try client.ask("EVAL", script, "0") == ":\(Self.byteCount + 2)")
    #expect(try client.ask("MGET", "once", "twice") == "[$1 $1]")
    #expect(daemon.end(with: SIGTERM) == 0)
  }
}
