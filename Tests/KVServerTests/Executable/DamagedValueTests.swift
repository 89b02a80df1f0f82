import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// One damaged value among many. Story: it made SCAN, KEYS, MGET and KV.RANGE fail as a whole, and no line in the log
/// told of it.
struct DamagedValueTests {
  private static let marker = "a value that can be found in the file by its own bytes"

  /// A closed store of one partition, in which the value of the key `k50` has a changed byte, and the field `f5` of
  /// the hash `h`.
  private func damaged() throws -> TestDirectory {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path + "/data", ["--partitions", "1"])
    let client = try daemon.client()
    for number in 10..<100 {
      #expect(try client.ask("SET", "k\(number)", number == 50 ? Self.marker : "v") == "+OK")
    }
    for number in 0..<10 {
      #expect(try client.ask("HSET", "h", "f\(number)", number == 5 ? Self.marker : "v") == ":1")
    }
    #expect(daemon.end(with: SIGTERM) == 0)
    try damage(directory.path + "/data/partition-0000/data.mdb")
    return directory
  }

  /// Changes a byte of each place that has the marker: LMDB may have left older copies of a page.
  private func damage(_ path: String) throws {
    let file = try #require(fopen(path, "r+"))
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(file))
    rewind(file)
    #expect(fread(&bytes, 1, bytes.count, file) == bytes.count)
    let marker = Array(Self.marker.utf8)
    var count = 0
    for start in 0...(bytes.count - marker.count)
    where bytes[start] == marker[0] && Array(bytes[start..<start + marker.count]) == marker {
      bytes[start + 9] ^= 0x20
      count += 1
    }
    #expect(count >= 2)
    rewind(file)
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
  }

  private var sound: [Int] { (10..<100).filter { $0 != 50 } }

  @Test func `walks return what is sound, and count and log the rest`() throws {
    let directory = try damaged()
    let daemon = try TestDaemon.serving(directory.path + "/data")
    let client = try daemon.client()
    let keys = "[" + sound.map { "$k\($0)" }.joined(separator: " ") + "]"
    #expect(try client.ask("KEYS", "k*") == keys)
    #expect(try client.ask("SCAN", "0", "MATCH", "k*", "COUNT", "1000") == "[$0 \(keys)]")
    #expect(
      try client.ask("KV.RANGE", "k49", "k52") == "[$k49 $v $k51 $v]")
    #expect(try client.ask("KV.REVRANGE", "k49", "k52", "KEYS") == "[$k51 $k49]")
    #expect(try client.ask("KV.PREFIX", "k5", "LIMIT", "2") == "[$k51 $v $k52 $v]")
    #expect(try client.ask("RANDOMKEY").hasPrefix("$"))
    #expect(try client.ask("DBSIZE").hasPrefix(":"))
    #expect(daemon.says("partition 0 has a damaged value: "))
    #expect(daemon.text.contains("partition-0000/data.mdb, key \"k50\": expected CRC-32C "))
    #expect(try client.ask("KV.STATS").contains("$damaged_values $1 "))
    #expect(try client.ask("HSCAN", "h", "0").contains("$f4 $v $f6 $v"))
    #expect(try client.ask("KV.STATS").contains("$damaged_values $2 "))
    for _ in 0..<50 { #expect(try client.ask("KEYS", "k*") == keys) }
    #expect(try client.ask("KV.STATS").contains("$damaged_values $2 "))
    #expect(daemon.end(with: SIGTERM) == 0)
    // Each once, however often it was met.
    #expect(daemon.text.split(separator: "\n").count { $0.contains("a damaged value") } == 2)
  }

  @Test func `the value itself is an error, also among others`() throws {
    let directory = try damaged()
    let daemon = try TestDaemon.serving(directory.path + "/data")
    let client = try daemon.client()
    #expect(try client.ask("GET", "k50").hasPrefix("-ERR corrupted: "))
    func expectOneError(_ reply: String) {
      #expect(reply.hasPrefix("[$v -ERR corrupted: "), "\(reply)")
      #expect(reply.hasSuffix(" $v nil]"), "\(reply)")
    }
    expectOneError(try client.ask("MGET", "k49", "k50", "k51", "none"))
    expectOneError(try client.ask("HMGET", "h", "f4", "f5", "f6", "none"))
    #expect(try client.ask("HGETALL", "h").hasPrefix("-ERR corrupted: "))
    #expect(try client.ask("EXISTS", "k49", "k50").hasPrefix("-ERR corrupted: "))
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("MGET", "k49", "k50", "k51", "none") == "+QUEUED")
    let reply = try client.ask("EXEC")
    expectOneError(String(reply.dropFirst().dropLast()))
    // What is looked up before the first command of EXEC is there for those after it to find.
    #expect(try client.ask("WATCH", "k49") == "+OK")
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("KV.DELPREFIX", "h") == "+QUEUED")
    #expect(try client.ask("HSET", "h", "f5", "v") == "+QUEUED")
    #expect(try client.ask("EXEC") == "[+OK :1]")
    #expect(daemon.end(with: SIGTERM) == 0)
  }
}
