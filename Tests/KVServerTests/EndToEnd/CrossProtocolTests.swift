import Base
import KVStore
import Testing

@testable import KVServer

/// A web page can make its reader's browser send a request to this port, and choose its body.
///
/// The story: each line of the body of a POST was carried out as a command.
struct CrossProtocolTests {
  private static let openings = [
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "PUT /x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "*1\r\n$4\r\npost\r\n",
    "MULTI\r\nHOST: a\r\n",
    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n",
  ]

  @Test(arguments: openings)
  func `what a browser sends is not carried out`(opening: String) throws {
    let lines = Lock<[String]>([])
    let server = try TestServer { $0.log = { line in lines.withLock { $0.append(line) } } }
    for _ in 0..<3 {
      let browser = try server.client()
      browser.send(opening + "SET written 1\r\nEXEC\r\n")
      while (try? browser.reply()) != nil {}
      #expect(browser.isClosedByServer())
    }
    let client = try server.client()
    #expect(try client.ask("EXISTS", "written") == ":0")
    #expect(try client.ask("INFO", "stats").contains("kvd_cross_protocol_disconnections:3\r\n"))
    #expect(lines.withLock { $0.count { $0.contains("possible security attack") } } == 1)
  }

  @Test(arguments: openings)
  func `nor before a login`(opening: String) throws {
    let server = try TestServer { $0.access.password = "secret" }
    let browser = try server.client()
    browser.send(opening + "AUTH secret\r\nSET written 1\r\n")
    while (try? browser.reply()) != nil {}
    #expect(browser.isClosedByServer())
    let client = try server.client()
    #expect(try client.ask("AUTH", "secret") == "+OK")
    #expect(try client.ask("EXISTS", "written") == ":0")
  }

  @Test func `other unknown commands get an error as before`() throws {
    let server = try TestServer()
    let client = try server.client()
    for name in ["PATCH", "HOSTS:", "POSTS", "Host"] {
      #expect(try client.ask(name).hasPrefix("-ERR unknown command '\(name)'"))
    }
  }
}
