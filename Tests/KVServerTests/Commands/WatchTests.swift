import Testing

@testable import KVServer
@testable import KVStore

/// What makes EXEC return null. The replies are those of Redis 7.0.15, checked against one.
struct WatchTests {
  /// What another client does between WATCH a and EXEC, and whether that changes the key.
  @Test(arguments: [
    (["SET a 1", "DEL a"], true), (["MULTI", "SET a 1", "DEL a", "EXEC"], true),
    (["HSET a f 1", "HDEL a f"], true), (["SADD a m", "FLUSHALL"], true),
    (["SET b 1", "RENAME b a", "GETDEL a"], true), (["SETBIT a 1 0", "UNLINK a"], true),
    (["SET b 1", "DEL b"], false), (["DEL a"], false),
    (["FLUSHALL"], false), (["SET a 1 XX"], false), (["HDEL a f", "GETDEL a"], false),
    (["APPEND a 1", "KV.DELPREFIX a"], true), (["MULTI", "SET a 1", "DISCARD"], false),
  ])
  func `an absent key has changed once it was made, whatever became of it`(
    commands: [String], isChange: Bool
  ) throws {
    let server = try TestServer()
    let client = try server.client()
    let other = try server.client()
    // A later watch of another client must not hide the change from this one.
    let late = try server.client()
    #expect(try client.line("WATCH a a c") == "+OK")
    for command in commands { #expect(try !other.line(command).hasPrefix("-ERR")) }
    #expect(try late.line("WATCH a") == "+OK")
    for (watcher, hasChanged) in [(client, isChange), (late, false)] {
      #expect(try watcher.line("EXISTS a") == ":0")
      #expect(try watcher.line("MULTI") == "+OK")
      #expect(try watcher.line("ECHO x") == "+QUEUED")
      #expect(try watcher.line("EXEC") == (hasChanged ? "nil" : "[$x]"))
    }
  }

  @Test func `a key that had expired has not changed when it is removed`() throws {
    let server = try TestServer()
    let client = try server.client()
    let other = try server.client()
    #expect(try other.line("SET a 1 PX 1") == "+OK")
    while try other.line("EXISTS a") == ":1" {}
    #expect(try client.line("WATCH a") == "+OK")
    #expect(try other.line("GET a") == "nil")
    #expect(try other.line("DEL a") == ":0")
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.line("PING") == "+QUEUED")
    #expect(try client.line("EXEC") == "[+PONG]")
  }

  @Test func `whoever sees a key come and go between WATCH and EXEC is told of a change`() throws {
    let server = try TestServer()
    let rounds = 400
    try inThreads(2) { thread in
      let client = try server.client()
      if thread == 0 {
        for _ in 0..<rounds {
          _ = try client.line("SET a 1")
          _ = try client.line("DEL a")
        }
        _ = try client.line("SET end 1")
        return
      }
      while try client.line("EXISTS end") == ":0" {
        _ = try client.line("WATCH a")
        let before = try client.line("GET a")
        let after = try client.line("GET a")
        _ = try client.line("MULTI")
        _ = try client.line("PING")
        let reply = try client.line("EXEC")
        if before != after { #expect(reply == "nil") }
      }
    }
  }

  /// Carried out piece by piece, so that other clients of the thread have their turn.
  @Test func `of many keys in one WATCH each is watched`() throws {
    let server = try TestServer()
    let client = try server.client()
    let other = try server.client()
    let keys = (0..<30_000).map { "k\($0)" }
    for changed in ["k0", "k15000", "k29999"] {
      client.send(TestClient.encode(["WATCH"] + keys) + TestClient.encode(["PING"]))
      #expect(try client.reply() == "+OK")
      #expect(try client.reply() == "+PONG")
      #expect(try other.ask("SET", changed, "v") == "+OK")
      #expect(try client.line("MULTI") == "+OK")
      #expect(try client.line("PING") == "+QUEUED")
      #expect(try client.line("EXEC") == "nil")
    }
    #expect(try client.ask(["WATCH"] + keys) == "+OK")
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.line("PING") == "+QUEUED")
    #expect(try client.line("EXEC") == "[+PONG]")
  }

  @Test func `nothing is kept of keys that nobody watches any more`() throws {
    let watches = KeyWatches()
    let hash = KeyHash(seed: 1)
    let key = Array("a".utf8)
    var watch: AbsenceWatch? = AbsenceWatch(
      of: key.withRawBytes { hash.hash(EntryAddress(.keys, $0)) }, in: watches)
    #expect(watch?.wasCreated == false)
    #expect(watches.watchedCount == 1)
    watch = nil
    #expect(watches.watchedCount == 0)
  }
}
