import Glibc
import Testing

@testable import KVServer

struct ListeningTests {
  @Test func `a Unix socket serves, has its mode, and goes with the server`() throws {
    let directory = TestDirectory()
    let path = directory.path + "/socket"
    let server = try TestServer {
      $0.unixSocketPath = path
      $0.unixSocketMode = 0o700
    }
    var information = stat()
    #expect(stat(path, &information) == 0 && information.st_mode & 0o777 == 0o700)
    let client = try TestClient(path: path)
    #expect(try client.line("SET a 1") == "+OK")
    #expect(try client.line("CLIENT INFO").contains(" addr=\(path):0 laddr=\(path):0 "))
    #expect(try server.client().line("GET a") == "$1")
    server.stop()
    #expect(access(path, F_OK) != 0)
  }

  @Test func `a name that a dead server left is taken over, one in use is not`() throws {
    let directory = TestDirectory()
    let path = directory.path + "/socket"
    try TestClient.leaveSocket(at: path)
    let server = try TestServer { $0.unixSocketPath = path }
    #expect(try TestClient(path: path).line("PING") == "+PONG")
    #expect(throws: Server.Failure.self) { try TestServer { $0.unixSocketPath = path } }
    #expect(try TestClient(path: path).line("PING") == "+PONG")
    server.stop()
  }

  @Test func `several addresses share a port, and an optional one may be missing`() throws {
    let server = try TestServer { $0.addresses = ["127.0.0.1", "127.0.0.2", "-192.0.2.1"] }
    #expect(try server.client().line("PING") == "+PONG")
    #expect(try TestClient(port: server.port, host: 0x7F00_0002).line("PING") == "+PONG")
    #expect(throws: Server.Failure.self) { try TestServer { $0.addresses = ["192.0.2.1"] } }
  }
}
