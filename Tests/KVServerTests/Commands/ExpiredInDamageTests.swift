import Base
import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// Expired keys in a partition that takes no more writes.
@Suite struct ExpiredInDamageTests {
  private func key(_ prefix: String, isIn partition: Int, of store: Store) -> String {
    (0...).lazy.map { "\(prefix)\($0)" }.first { name in
      let bytes = Array(name.utf8)
      return store.partitionSet.partition(of: EntryAddress(.keys, bytes.rawSpan)) == partition
    }!
  }

  /// A command that meets an expired key removes it in its own batch, which was refused as a whole.
  @Test func `a script that meets one writes to other partitions all the same`() throws {
    let server = try TestServer.small()
    let client = try server.client()
    let expiring = key("expiring ", isIn: 0, of: server.store)
    let sound = key("sound ", isIn: 1, of: server.store)
    #expect(try client.ask("SET", expiring, "x", "PX", "200") == "+OK")
    // LMDB's status MDB_CORRUPTED.
    _ = server.store.partitionSet.partitions[0].environment.failure(-30796, "read")
    usleep(300_000)
    let script = """
      if redis.call('get', KEYS[1]) then return 'there' end
      redis.call('set', KEYS[2], 'written')
      return 'gone'
      """
    #expect(try client.ask("EVAL", script, "2", expiring, sound) == "$gone")
    #expect(try client.ask("GET", sound) == "$written")
    #expect(try client.ask("SET", expiring, "y").contains("accepts no more writes"))
  }
}
