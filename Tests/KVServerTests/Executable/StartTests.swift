import Base
import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// What `kvd serve` says, and how it exits, when it cannot serve.
struct StartTests {
  @Test(arguments: [
    (["serve", "--nonsense", "1"], "kvd: unknown option '--nonsense'; see 'kvd serve --help'\n"),
    (
      ["serve", "--port", "65536"], "option '--port' must be a number from 0 to 65535, not '65536'"
    ),
    (["serve", "--port"], "option '--port' needs a value"),
    (["serve", "--port=1", "--port=2"], "option '--port' is given twice"),
    (["serve", "/nowhere/here"], "cannot read the configuration file /nowhere/here: "),
    (["serve", "--port", "1", "here"], "unexpected argument 'here'"),
    (["serve", "--save", "1"], "option '--save' must be SECONDS CHANGES"),
    (["serve", "--segment", "100001"], "option '--segment' must be a multiple of 4096 bytes"),
    (
      ["serve", "--port", "x", "--nonsense", "--memory", "1"],
      "kvd: option '--port' must be a number from 0 to 65535, not 'x'\n"
        + "kvd: option '--memory' must be a size like 256mb, at least 8388608 bytes, not '1'\n"
        + "kvd: unknown option '--nonsense'; see 'kvd serve --help'\n"
    ),
    (["serve", "--config", "a", "--config", "b"], "more than one configuration file"),
    (["serve", "--durability", "never"], "must be one of sync, periodic, not 'never'"),
    (["serve", "--memory", "7mib"], "must be a size like 256mb, at least 8388608 bytes"),
    (["serve", "--client-memory", "1mib"], "option '--client-memory' must be a size"),
    (["serve", "--partitions", "0"], "option '--partitions' must be a number from 1 to 1024"),
    (["serve", "--data", ""], "option '--data' must not be empty"),
    (["swerve"], "kvd: unknown command 'swerve'; see 'kvd --help'\n"),
  ])
  func `wrong usage is told and exits with 64`(arguments: [String], message: String) throws {
    let daemon = try TestDaemon(arguments)
    #expect(daemon.wait() == 64)
    #expect(daemon.text.contains(message))
  }

  @Test func `help tells every option and exits with 0`() throws {
    let daemon = try TestDaemon(["serve", "--help"])
    #expect(daemon.wait() == 0)
    for setting in Settings.all where setting.section != .fixed && setting.section != .ignored {
      for name in [setting.name] + setting.aliases {
        #expect(daemon.text.contains("--\(name)"), "\(name)")
      }
    }
  }

  @Test func `a store of another format version is left alone`() throws {
    let directory = try storeDirectory()
    try change("MANIFEST", in: directory) { bytes in
      bytes[8] = 9
      bytes.removeLast(4)
      bytes.appendLittleEndian(CRC32C.checksum(bytes.rawSpan))
    }
    try expectFailure(
      ["--data", directory.path],
      "MANIFEST has an unsupported format (version 9): this build reads version 3")
  }

  @Test(arguments: [0, 10, 13, 40, 60, 100])
  func `a damaged manifest is told with its place and left alone`(offset: Int) throws {
    let directory = try storeDirectory()
    try change("MANIFEST", in: directory) { $0[offset] ^= 0x40 }
    try expectFailure(["--data", directory.path], "corrupted: ")
  }

  @Test func `a manifest cut short is told and left alone`() throws {
    let directory = try storeDirectory()
    try change("MANIFEST", in: directory) { $0.removeLast(30) }
    try expectFailure(["--data", directory.path], "corrupted: ")
  }

  @Test func `a missing manifest beside partitions is told and nothing is made`() throws {
    let directory = try storeDirectory()
    unlink(directory.path + "/MANIFEST")
    try expectFailure(["--data", directory.path], "expected the manifest of the store")
    #expect(access(directory.path + "/MANIFEST", F_OK) != 0)
  }

  @Test func `a directory in use is told with its holder, who goes on`() throws {
    let directory = TestDirectory()
    let first = try TestDaemon.serving(directory.path)
    try expectFailure(["--data", directory.path], "is in use by pid ")
    #expect(try first.client().ask("SET", "a", "1") == "+OK")
    #expect(first.end(with: SIGTERM) == 0)
  }

  @Test func `a place where no directory can be made is told`() throws {
    let directory = TestDirectory()
    close(creat(directory.path + "/file", 0o600))
    for path in [directory.path + "/file", directory.path + "/file/data", "/proc/kvd"] {
      try expectFailure(["--data", path], "cannot open \(path): ")
    }
  }

  @Test func `a port in use is told and the store is closed`() throws {
    let directory = TestDirectory()
    let server = try TestServer()
    try expectFailure(
      ["--data", directory.path, "--port", "\(server.port)"],
      "cannot listen on 127.0.0.1 port \(server.port): bind: Address already in use")
    let daemon = try TestDaemon.serving(directory.path)
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  /// Story: recovery could take minutes before a mistake in the users or a port in use was told.
  @Test func `what can be known to be wrong is told before the store is opened`() throws {
    let directory = TestDirectory()
    let server = try TestServer()
    let path = try directory.write("kvd.conf", "user ann nonsense\nuser bob on\nuser bob on\n")
    for arguments in [["--port", "\(server.port)"], ["--port", "0", "--config", path]] {
      let daemon = try TestDaemon(["serve", "--data", directory.path + "/data"] + arguments)
      #expect(daemon.wait() == 1)
      #expect(access(directory.path + "/data", F_OK) != 0, "\(daemon.text)")
      if arguments.count > 2 {
        #expect(daemon.text.contains("kvd.conf:1: Error in user declaration 'ann'"))
        #expect(daemon.text.contains("kvd.conf:3: Error in user declaration 'bob'"))
      }
    }
  }

  @Test func `what a store was made with it keeps, and the log says so`() throws {
    let directory = TestDirectory()
    var daemon = try TestDaemon.serving(
      directory.path, ["--partitions", "2", "--segment", "1mb"])
    #expect(daemon.end(with: SIGTERM) == 0)
    daemon = try TestDaemon.serving(directory.path, ["--partitions", "3", "--segment", "2mb"])
    #expect(
      daemon.text.contains("'partitions' is 3, but the store was created with 2 and keeps it"))
    #expect(
      daemon.text.contains("'segment' is 2097152, but the store was created with 1048576"))
    #expect(daemon.end(with: SIGTERM) == 0)
    daemon = try TestDaemon.serving(directory.path)
    #expect(!daemon.text.contains("but the store was created with"))
    #expect(daemon.text.contains("opened \(directory.path): recovered 2 partitions"))
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test func `a path is told as it was given`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      "data", ["--partitions", "1"], shell: "cd \(directory.path)")
    #expect(daemon.text.contains(" opened data: created a new store with 1 partition\n"))
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test(arguments: ["check", "recover", "stat", "log"])
  func `a path that is no store is not called damaged`(command: String) throws {
    let directory = TestDirectory()
    close(creat(directory.path + "/file", 0o600))
    let places = [
      (directory.path + "/absent", "no such directory"),
      (directory.path, "the directory has no MANIFEST"),
      (directory.path + "/file", "it is not a directory"),
    ]
    for (path, found) in places {
      let tool = try TestDaemon([command, "--data", path])
      #expect(tool.wait() == 2)
      #expect(
        tool.text.hasPrefix("kvd \(command): there is no store at \(path): \(found); "),
        "\(tool.text)")
    }
  }

  @Test func `a host has all its addresses`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, ["--bind", "localhost"])
    #expect(try daemon.client().ask("PING") == "+PONG")
    #expect(daemon.end(with: SIGTERM) == 0)
    let other = try TestDaemon.serving(directory.path, ["--bind", "*", "-::*"])
    #expect(try TestClient(port: other.port, host: 0x7F00_0002).ask("PING") == "+PONG")
    #expect(other.end(with: SIGTERM) == 0)
  }

  @Test func `an address that is none is told`() throws {
    let directory = TestDirectory()
    try expectFailure(
      ["--data", directory.path, "--bind", "no.such.host.invalid"],
      "cannot listen on no.such.host.invalid port 7379: cannot resolve 'no.such.host.invalid': "
    )
  }

  /// No stack of the size that new threads are to have fits into the address space.
  @Test(.disabled(if: Sanitizer.isOn, "a sanitizer needs the address space for itself"))
  func `a system that refuses threads is told, and nothing is made`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon(
      ["serve", "--data", directory.path], shell: "ulimit -s 1000000000000")
    #expect(daemon.wait() == 1)
    #expect(
      daemon.text.contains(
        "cannot start the signal thread: Resource temporarily unavailable"))
    #expect(access(directory.path + "/MANIFEST", F_OK) != 0)
  }

  private func expectFailure(_ arguments: [String], _ message: String) throws {
    let daemon = try TestDaemon(["serve"] + arguments)
    #expect(daemon.wait() == 1)
    #expect(daemon.text.contains(message), "\(daemon.text)")
  }

  /// With a store in it that was closed.
  private func storeDirectory() throws -> TestDirectory {
    let directory = TestDirectory()
    try Store.open(at: directory.path).close()
    return directory
  }

  private func change(
    _ name: String, in directory: TestDirectory, _ body: (inout [UInt8]) -> Void
  ) throws {
    let path = directory.path + "/" + name
    let file = try #require(fopen(path, "r+"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    body(&bytes)
    rewind(file)
    fwrite(bytes, 1, bytes.count, file)
    ftruncate(fileno(file), bytes.count)
  }
}
