import Base
import Glibc
import Testing

@testable import KVStore

/// `kvd recover --reset-clock`. (What it does to entries is in KVDataTests.)
struct ClockResetCommandTests {
  /// A store whose clock is an hour ahead of the machine's.
  private func ahead() throws -> (directory: TestDirectory, options: StoreOptions) {
    let directory = TestDirectory()
    var options = StoreOptions()
    options.partitionCount = 2
    options.clock = ClockSource(
      wallNanoseconds: { SystemClock.nanosecondsSince1970() + 3_600_000_000_000 },
      monotonicNanoseconds: { Int64(SystemClock.monotonicNanoseconds()) })
    let store = try Store.open(at: directory.path, options: options)
    var batch = Batch()
    try batch.put(Array("mortal".utf8), [1], type: 0, expiry: store.now - 60_000)
    try store.commit(batch)
    let receipt = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.putClock()
    }.receipt
    try store.waitUntilDurable(receipt)
    try store.close()
    options.clock = .system
    return (directory, options)
  }

  @Test func `it removes what has expired, and the store's clock is the machine's`() throws {
    let (directory, options) = try ahead()
    let before = try Store.open(at: directory.path, options: options)
    #expect(before.clockLead > 3_000_000)
    try before.close()
    let process = try TestDaemon(["recover", "--data", directory.path, "--reset-clock"])
    #expect(process.wait() == 0)
    #expect(process.text.contains("ahead of the system clock and was reset"))
    #expect(process.text.contains("expired entries removed: 1\n"))
    let store = try Store.open(at: directory.path, options: options)
    #expect(store.clockLead == 0)
    #expect(try store.countEntries() == 0)
    try store.close()
  }

  @Test func `programs are told, and without the flag nothing of it is done`() throws {
    let (directory, options) = try ahead()
    let plain = try TestDaemon(["recover", "--data", directory.path])
    #expect(plain.wait() == 0)
    #expect(!plain.text.contains("clock"))
    let store = try Store.open(at: directory.path, options: options)
    #expect(store.clockLead > 3_000_000)
    try store.close()
    let process = try TestDaemon([
      "recover", "--data", directory.path, "--reset-clock", "--json", "yes",
    ])
    #expect(process.wait() == 0)
    #expect(process.text.contains("\"expired_removed\":1"))
    #expect(process.text.contains("\"clock_was_ahead_ms\":3"))
  }
}
