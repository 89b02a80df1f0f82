import Base
import Synchronization
import Testing

@testable import KVServer

/// DEBUG RELOAD: the store is closed and opened again under its clients.
struct ReloadTests {
  @Test func `everything is there afterwards, and connections go on as they were`() throws {
    let server = try TestServer { $0.debugCommands = .yes }
    let client = try server.client()
    let other = try server.client()
    let before = ObjectIdentifier(server.store)
    for (command, reply) in [
      ("MSET a 1 b 2", "+OK"), ("HSET h f v", ":1"), ("SET c 3 PX 100000000", "+OK"),
      ("WATCH a", "+OK"), ("DEBUG RELOAD", "+OK"), ("MULTI", "+OK"), ("INCR a", "+QUEUED"),
      ("EXEC", "[:2]"), ("HGETALL h", "[$f $v]"), ("DBSIZE", ":4"), ("INCR b", ":3"),
    ] { #expect(try client.line(command) == reply, "\(command)") }
    #expect(ObjectIdentifier(server.store) != before)
    #expect(try other.line("GET b") == "$3")
    #expect(try other.line("PTTL c").hasPrefix(":999"))
    #expect(try other.line("DEBUG RELOAD NOSAVE NOFLUSH") == "+OK")
    #expect(try other.line("DEBUG LOADAOF") == "+OK")
    #expect(try client.line("MGET a b c") == "[$2 $3 $3]")
    #expect(try other.line("KV.CHECKPOINT") == "+OK")
  }

  @Test func `nothing acknowledged is lost and nothing done twice while others write`()
    throws
  {
    let server = try TestServer.small {
      $0.debugCommands = .yes
      $0.ioThreadCount = 2
    }
    let isOver = Atomic<Bool>(false)
    let written = Lock([Int](repeating: 0, count: 4))
    try inThreads(5) { number in
      let client = try server.client()
      if number == 4 {
        defer { isOver.store(true, ordering: .relaxed) }
        for _ in 0..<5 { #expect(try client.line("DEBUG RELOAD") == "+OK") }
        return
      }
      var count = 0
      while !isOver.load(ordering: .relaxed) {
        #expect(try client.line("INCR counter:\(number)") == ":\(count + 1)")
        count += 1
        #expect(try client.line("MSET \(number):\(count) x all:\(number) \(count)") == "+OK")
      }
      written.withLock { [count] in $0[number] = count }
    }
    let client = try server.client()
    for (number, count) in written.withLock({ $0 }).enumerated() {
      #expect(count > 0)
      #expect(try client.line("MGET counter:\(number) all:\(number)") == "[$\(count) $\(count)]")
      #expect(try client.line("EXISTS \(number):\(count) \(number):\(count + 1)") == ":1")
    }
  }

  @Test func `a store that is not the server's to close is left open`() throws {
    let server = try TestServer {
      $0.debugCommands = .yes
      $0.reopen = nil
    }
    let client = try server.client()
    #expect(
      try client.line("DEBUG RELOAD")
        == "-ERR DEBUG RELOAD is not possible: the store is owned by the embedding application")
    #expect(try client.line("SET a 1") == "+OK")
  }

  @Test func `a transaction cannot reload`() throws {
    let server = try TestServer { $0.debugCommands = .yes }
    let client = try server.client()
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.line("SET a 1") == "+QUEUED")
    #expect(try client.line("DEBUG RELOAD") == "+QUEUED")
    #expect(
      try client.line("EXEC")
        == "[+OK -ERR DEBUG RELOAD is not possible: not allowed inside a transaction]")
    #expect(try client.line("GET a") == "$1")
  }
}
