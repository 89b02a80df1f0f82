import Testing

@testable import KVServer
@testable import KVStore

/// What clients are told while the log is not written yet, or cannot be.
struct DurabilityTests {
  @Test func `a write and what could tell of it are held until the log is synced`() throws {
    let server = try TestServer()
    let writer = try server.client()
    let reader = try server.client()
    let watcher = try server.client()
    let log = try StoppedLog(server.store)
    writer.send("SET a 1\r\nGET a\r\nDBSIZE\r\nINCR n\r\nKV.RANGE a b\r\nKEYS *\r\nECHO end\r\n")
    try waitUntilEvaluated(by: server)
    // Others do not see it, and are not kept waiting.
    #expect(try reader.ask("GET", "a") == "nil")
    #expect(try reader.ask("MGET", "a", "n") == "[nil nil]")
    #expect(try reader.ask("KEYS", "a*") == "[]")
    #expect(try reader.ask("INFO", "server").contains("redis_version"))
    // A command that must look at the newest state tells nothing of it before it is durable.
    watcher.send("SET a 2 NX\r\nPING\r\n")
    #expect(try reader.ask("PING") == "+PONG")
    #expect(writer.receivedLineCount() == 0)
    #expect(watcher.receivedLineCount() == 0)
    log.resume()
    for reply in ["+OK", "$1", ":2", ":1", "[$a $1]", "[$a $log $n]", "$end"] {
      #expect(try writer.reply() == reply)
    }
    #expect(try watcher.reply() == "nil")
    #expect(try watcher.reply() == "+PONG")
    #expect(try reader.ask("GET", "a") == "$1")
  }

  /// Regression: an error thrown by a command was sent at once, and told of what was not durable yet.
  @Test(
    arguments: [
      ("INCR h", "-WRONGTYPE "), ("APPEND h x", "-WRONGTYPE "), ("SADD h x", "-WRONGTYPE "),
      ("GETSET h x", "-WRONGTYPE "), ("SETBIT h 0 1", "-WRONGTYPE "),
      ("SET h x GET", "-WRONGTYPE "),
      ("HINCRBY h f 1", "-ERR hash value is not an integer"), ("INCR s", "-ERR value is not an "),
      ("SETNX s 2", ":0"), ("DEL none", ":0"), ("EXPIRE none 5", ":0"), ("HDEL h none", ":0"),
      ("KV.BATCH IF s ABSENT SET s 2", "-CASFAIL "),
      ("EVAL return·redis.call('INCR','h') 0", "-WRONGTYPE "),
      ("RENAME none s", "-ERR no such key"),
    ])
  func `a refusal that depends on what is not durable yet is held like a success`(
    command: String, reply: String
  ) throws {
    let server = try TestServer()
    let writer = try server.client()
    let other = try server.client()
    let log = try StoppedLog(server.store)
    writer.send("HSET h f v\r\nSET s x\r\n")
    try waitUntilEvaluated(2, by: server)
    let words = command.split(separator: " ").map { String($0.replacing("·", with: " ")) }
    other.send(TestClient.encode(words) + TestClient.encode(["ECHO", "end"]))
    // What depends on nothing that was read goes out at once; and so the other one has been carried out.
    let third = try server.client()
    #expect(try third.line("INCR").hasPrefix("-ERR wrong number of arguments"))
    #expect(try third.line("HELLO 9").hasPrefix("-NOPROTO"))
    while try server.client().ask("INFO", "commandstats").contains("cmdstat_echo") == false {}
    #expect(other.receivedLineCount() == 0)
    log.resume()
    let told = try other.reply()
    #expect(told.hasPrefix(reply), "\(command): \(told)")
    #expect(try other.reply() == "$end")
  }

  @Test func `an EXEC that fails because of what is not durable yet is held`() throws {
    let server = try TestServer()
    let writer = try server.client()
    let other = try server.client()
    #expect(try other.line("WATCH w") == "+OK")
    #expect(try other.line("MULTI") == "+OK")
    #expect(try other.line("INCR s") == "+QUEUED")
    let log = try StoppedLog(server.store)
    writer.send("SET w x\r\n")
    try waitUntilEvaluated(by: server)
    other.send("EXEC\r\nECHO end\r\n")
    while try server.client().ask("INFO", "commandstats").contains("cmdstat_echo") == false {}
    #expect(other.receivedLineCount() == 0)
    log.resume()
    #expect(try other.reply() == "nil")
    #expect(try other.reply() == "$end")
  }

  @Test func `a checkpoint keeps only the connection waiting that asked for it`() throws {
    let server = try TestServer()
    let clients = try (0..<3).map { _ in try server.client() }
    let other = try server.client()
    let log = try StoppedLog(server.store)
    for client in clients { client.send("SET a 1\r\nKV.CHECKPOINT\r\nGET a\r\n") }
    try waitUntilEvaluated(by: server)
    for _ in 0..<20 { #expect(try other.ask("PING") == "+PONG") }
    for client in clients { #expect(client.receivedLineCount() == 0) }
    log.resume()
    for client in clients {
      for reply in ["+OK", "+OK", "$1"] { #expect(try client.reply() == reply) }
    }
    #expect(try server.store.statistics().storedEntryCount == 2)
  }

  /// It was found by the next command that asks for one, which took its outcome for its own.
  @Test func `a checkpoint whose command is refused meanwhile is nobody's`() throws {
    let server = try TestServer()
    let client = try server.client()
    let admin = try server.client()
    let log = try StoppedLog(server.store)
    client.send("SET a 1\r\nKV.CHECKPOINT\r\n")
    try waitUntilEvaluated(by: server)
    #expect(try admin.line("PING") == "+PONG")
    #expect(try admin.line("ACL SETUSER default -kv.checkpoint") == "+OK")
    log.resume()
    #expect(try client.reply() == "+OK")
    #expect(try client.reply().hasPrefix("-NOPERM "))
    #expect(try client.line("SET b 1") == "+OK")
    #expect(try client.line("SAVE") == "+OK")
    #expect(try server.store.statistics().storedEntryCount == 3)
  }

  /// The first had been answered, and was still taken to be under way for a moment.
  @Test func `one SAVE may follow another at once`() throws {
    let server = try TestServer()
    let client = try server.client()
    for _ in 0..<300 { #expect(try client.line("SAVE") == "+OK") }
    server.stop()
  }

  @Test func `a stop waits for the checkpoint under way`() throws {
    let server = try TestServer()
    let client = try server.client()
    let log = try StoppedLog(server.store)
    client.send("SET a 1\r\nKV.CHECKPOINT\r\n")
    try waitUntilEvaluated(by: server)
    server.beginStop()
    log.resume()
    server.stop()
    try server.store.close()
    let store = try Store.open(at: server.directory.path + "/data")
    #expect(try store.get([0x61]) == [0x31])
    try store.close()
  }

  @Test func `replies that wait when the log fails become an error and the connection closes`()
    throws
  {
    let server = try TestServer()
    let writers = try (0..<3).map { _ in try server.client() }
    let reader = try server.client()
    #expect(try reader.ask("SET", "before", "1") == "+OK")
    let log = try StoppedLog(server.store)
    for writer in writers { writer.send("GET before\r\nSET a 1\r\nGET a\r\nPING\r\n") }
    try waitUntilEvaluated(3, by: server)
    server.store.coordinator.poison(because: "the test says so")
    for writer in writers {
      #expect(try writer.reply() == "$1")
      let error = try writer.reply()
      #expect(error.hasPrefix("-ERR outcome unknown: ") && error.contains("the test says so"))
      #expect(writer.isClosedByServer())
    }
    for command in ["SET a 2", "INCR n", "DEL before", "FLUSHALL", "KV.BATCH SET a 1", "MSET a 1"] {
      #expect(try reader.line(command).hasPrefix("-MISCONF "), "\(command)")
    }
    #expect(try reader.line("MULTI") == "+OK")
    #expect(try reader.line("SET a 1") == "+QUEUED")
    #expect(try reader.line("EXEC").hasPrefix("-MISCONF "))
    #expect(try reader.line("KV.CHECKPOINT").hasPrefix("-MISCONF "))
    #expect(try reader.line("GET before") == "$1")
    #expect(try reader.line("MGET before a") == "[$1 nil]")
    #expect(try server.client().ask("KEYS", "b*") == "[$before]")
    #expect(try reader.ask("INFO", "persistence").contains("aof_last_write_status:err"))
    log.resume()
  }

  @Test func `a stop waits for the replies under way`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let clients = try (0..<8).map { _ in try server.client() }
    let log = try StoppedLog(server.store)
    for client in clients { client.send("INCR n\r\n") }
    try waitUntilEvaluated(8, by: server)
    for client in clients { client.send("PING\r\n") }
    server.beginStop()
    log.resume()
    for client in clients { #expect(try client.reply().hasPrefix(":")) }
    server.stop()
    try server.store.close()
    let store = try Store.open(at: server.directory.path + "/data")
    #expect(try store.get([0x6E]) == [0x38])
    try store.close()
  }

  /// Returns once so many batches behind the one that stopped the log have been evaluated.
  private func waitUntilEvaluated(_ count: UInt64 = 1, by server: TestServer) throws {
    let first = try server.store.statistics().publishedSequence
    while try server.store.evaluate({ _ in }).receipt.sequence < first + count {}
  }
}
