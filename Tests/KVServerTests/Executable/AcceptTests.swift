import Glibc
import Testing

struct AcceptTests {
  @Test func `out of descriptors new clients wait, and those there are served`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let first = try daemon.client()
    #expect(try first.ask("SET", "a", "1") == "+OK")
    let limit = try daemon.limitDescriptors(to: 3)
    let second = try daemon.client()
    second.send(TestClient.encode(["GET", "a"]))
    #expect(daemon.says("cannot accept connections, retrying in one second: Too many open files"))
    #expect(try first.ask("GET", "a") == "$1")
    _ = try daemon.limitDescriptors(to: limit)
    #expect(try second.reply() == "$1")
    #expect(daemon.end(with: SIGTERM) == 0)
  }
}
