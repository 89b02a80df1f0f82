import Glibc
import Testing
import TxnWAL

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
    (["serve", "--save", "1"], "unknown option '--save'"),
    (["serve", "--config", "a", "--config", "b"], "more than one configuration file"),
    (["serve", "--durability", "never"], "must be one of sync, periodic, not 'never'"),
    (["serve", "--memory", "7mib"], "must be a size like 256mb, at least 8388608 bytes"),
    (["serve", "--client-memory", "1mib"], "option '--client-memory' must be a size"),
    (["serve", "--partitions", "0"], "option '--partitions' must be a number from 1 to 1024"),
    (["serve", "--data", ""], "option '--data' is empty"),
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
    for setting in Settings.all where setting.change != .never {
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
      ["--data", directory.path], "MANIFEST has format version 9, this build reads version 2")
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
    try expectFailure(["--data", directory.path], "the manifest of the store here")
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

  @Test func `an address that is none is told`() throws {
    let directory = TestDirectory()
    try expectFailure(["--data", directory.path, "--bind", "localhost!"], "localhost!")
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
        "cannot start the thread that waits for signals: Resource temporarily unavailable"))
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
