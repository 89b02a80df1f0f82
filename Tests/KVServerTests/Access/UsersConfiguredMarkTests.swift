import Base
import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// An emptied or removed users.acl once opened a store to everyone, silently.
struct UsersConfiguredMarkTests {
  private static let openLine = "user default on nopass sanitize-payload ~* &* +@all\n"

  private func write(_ text: String, to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(file) }
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
  }

  private func refusal(_ directory: TestDirectory, _ arguments: [String] = []) throws -> String {
    let daemon = try TestDaemon(
      ["serve", "--data", directory.path, "--port", "0"] + arguments)
    #expect(daemon.wait() == 1)
    return daemon.text
  }

  @Test func `a file of users that is emptied or removed keeps the daemon from starting`() throws {
    let directory = TestDirectory()
    let path = directory.path + "/users.acl"
    let first = try TestDaemon.serving(directory.path)
    #expect(
      try first.client().ask("ACL", "SETUSER", "alice", "on", ">secret", "~*", "+@all") == "+OK")
    #expect(first.end(with: SIGKILL) == -SIGKILL)
    let users = try #require(try SmallFile.contents(of: path))

    for text in ["", "\n \t\n"] {
      write(text, to: path)
      let said = try refusal(directory)
      #expect(said.contains("users were configured for this store, but \(path) defines none"))
      #expect(said.contains("restore it from a backup"))
    }
    unlink(path)
    #expect(try refusal(directory).contains("\(path) is missing"))

    write(String(decoding: users, as: UTF8.self), to: path)
    let again = try TestDaemon.serving(directory.path)
    #expect(try again.client().ask("AUTH", "alice", "secret") == "+OK")
    #expect(again.end(with: SIGTERM) == 0)

    // Open to everyone, on purpose.
    write(Self.openLine, to: path)
    let open = try TestDaemon.serving(directory.path)
    #expect(try open.client().ask("SET", "a", "1") == "+OK")
    #expect(open.end(with: SIGTERM) == 0)
  }

  /// The story: the client was told of an error, and at the next start its users counted all the same.
  @Test func `users whose mark cannot be written are not there at the next start either`() throws {
    let server = try TestServer()
    let data = server.directory.path + "/data"
    let client = try server.client()
    // Where the manifest is written first.
    try #require(mkdir(data + "/MANIFEST.new", 0o700) == 0)
    #expect(
      try client.line("ACL SETUSER ann on >pw ~* +@all").hasPrefix(
        "-ERR There was an error trying to save"))
    #expect(try client.line("ACL USERS") == "[$default]")
    #expect(try SmallFile.contents(of: data + "/users.acl") == nil)
    try #require(rmdir(data + "/MANIFEST.new") == 0)
    #expect(try client.line("ACL SETUSER ann on >pw ~* +@all") == "+OK")
    let before = try SmallFile.contents(of: data + "/users.acl")
    #expect(before != nil)
    try #require(mkdir(data + "/users.acl.new", 0o700) == 0)
    #expect(
      try client.line("ACL SETUSER bob on").hasPrefix("-ERR There was an error trying to save"))
    #expect(try SmallFile.contents(of: data + "/users.acl") == before)
    try #require(rmdir(data + "/users.acl.new") == 0)
    let again = try server.restarted()
    #expect(try again.client().line("ACL USERS") == "[$ann $default]")
    again.stop()
  }

  /// A rule of ACL SETUSER once came back from the file as a user, or kept kvd from starting.
  @Test(arguments: [
    "+get|x\nuser evil on nopass ~* +@all", "+get|x y", "+get|\u{0}", "+get|\r", "~a\nuser evil on",
    "&a\tb",
    "%R~a b", "(~x) +get)", "(+get ~x))", "(+get|a\tb)", "(~a &x) +@all)",
  ])
  func `no rule is read back as anything else`(rule: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(
      try client.ask("ACL", "SETUSER", "ann", "on", "resetchannels", rule).hasPrefix(
        "-ERR Error in ACL SETUSER"))
    #expect(try client.ask("ACL", "SETUSER", "ann", "on", "(~x +get)", "+get|\"(a", "~)") == "+OK")
    let described = try client.line("ACL LIST")
    let again = try server.restarted()
    #expect(try again.client().line("ACL LIST") == described)
    again.stop()
  }

  @Test func `a store that never had users needs no file of them`() throws {
    let directory = TestDirectory()
    for _ in 0..<2 {
      let daemon = try TestDaemon.serving(directory.path)
      #expect(try daemon.client().ask("SET", "a", "1") == "+OK")
      #expect(daemon.end(with: SIGTERM) == 0)
    }
  }

  @Test func `an aclfile that is emptied is refused, by ACL LOAD and at the start`() throws {
    let directory = TestDirectory()
    let path = directory.path + ".acl"
    defer { unlink(path) }
    write(Self.openLine + "user bob on nopass ~* +@all\n", to: path)
    let daemon = try TestDaemon.serving(directory.path, ["--aclfile", path])
    let client = try daemon.client()
    write("", to: path)
    #expect(try client.ask("ACL", "LOAD").hasPrefix("-ERR users were configured for this store"))
    #expect(try client.ask("ACL", "GETUSER", "bob") != "*-1")
    #expect(daemon.end(with: SIGTERM) == 0)
    #expect(try refusal(directory, ["--aclfile", path]).contains("defines none"))
  }

  @Test func `a salvaged store has the users of the damaged one`() throws {
    let directory = TestDirectory()
    let target = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    #expect(
      try daemon.client().ask("ACL", "SETUSER", "alice", "on", ">secret", "~*", "+@all") == "+OK")
    #expect(daemon.end(with: SIGTERM) == 0)
    let new = target.path + "/new"
    let salvage = try TestDaemon([
      "recover", "--data", directory.path, "--salvage", new, "--yes-give-up",
    ])
    #expect(salvage.wait() == 0, "\(salvage.text)")
    let served = try TestDaemon.serving(new)
    #expect(try served.client().ask("AUTH", "alice", "secret") == "+OK")
    #expect(served.end(with: SIGTERM) == 0)
    unlink(new + "/users.acl")
    let refused = try TestDaemon(["serve", "--data", new, "--port", "0"])
    #expect(refused.wait() == 1)
    #expect(refused.text.contains("users were configured for this store"))
  }

  /// Root's `kvd recover --salvage` gives the copy to the owner of the store, who may have put the link there.
  @Test func `users are not copied from where a link leads`() throws {
    let (source, target, outside) = (TestDirectory(), TestDirectory(), TestDirectory())
    write("secret", to: outside.path + "/shadow")
    symlink(outside.path + "/shadow", source.path + "/users.acl")
    let error = #expect(throws: StoreError.self) {
      try UserFileCopy.copy(from: source.path, to: target.path)
    }
    guard case .io(let failure) = error, failure.errno == ELOOP, failure.operation == "open" else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!SmallFile.exists(target.path + "/users.acl"))
  }
}
