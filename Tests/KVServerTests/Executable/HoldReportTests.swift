import Base
import Testing

@testable import KVStore

/// What tools say about holds on the log.
struct HoldReportTests {
  @Test func `check and recover have a line for each hold`() throws {
    let directory = TestDirectory()
    var options = StoreOptions()
    options.partitionCount = 2
    let store = try Store.open(at: directory.path, options: options)
    _ = try store.retention.hold(from: .end, by: "feed")
    let standby = try store.retention.hold(from: .end, by: "standby", policy: .block)
    try store.close()
    let expected = [
      "feed: from LSN 0, keeps 0 bytes",
      "standby: from LSN \(standby.position), keeps 0 bytes, blocks writes at the limit",
    ]
    let check = try TestDaemon(["check", "--data", directory.path])
    #expect(check.wait() == 0)
    for line in expected { #expect(check.text.contains("hold        \(line)\n")) }
    let recover = try TestDaemon(["recover", "--data", directory.path])
    #expect(recover.wait() == 0)
    for line in expected { #expect(recover.text.contains("hold \(line)\n")) }
    for command in ["check", "recover"] {
      let process = try TestDaemon([command, "--data", directory.path, "--json", "yes"])
      #expect(process.wait() == 0)
      #expect(process.text.contains(#""holds":[{"name":"feed","lsn":0,"bytes":0,"created_ms":"#))
      #expect(process.text.contains(#""blocks_writes":true"#))
    }
  }
}
