import Glibc
import Testing

@testable import KVServer

struct ConfigurationFileTests {
  @Test func `a file sets what its lines say, and flags win over it`() throws {
    let directory = TestDirectory()
    let path = try directory.write(
      "kvd.conf",
      """
      # A comment
        port 7001

      MAXCLIENTS 12
      dir "/a place/with \\x41"
      maxmemory-clients 1gb
      bind 127.0.0.1 ::1\r
      client-output-buffer-limit normal 1mb 512kb 3
      unixsocketperm 700
      save ""
      appendonly yes
      timeout 5
      timeout 6
      """)
    let options = try CommandLineOptions.parse([path, "--port=7002", "--timeout", "7"])
    #expect(options.port == 7002)
    #expect(options.clientLimit == 12)
    #expect(options.dataPath == "/a place/with A")
    #expect(options.clientMemoryByteCount == 1 << 30)
    #expect(options.addresses == ["127.0.0.1", "::1"])
    #expect(
      options.outputLimits.normal == .init(hard: 1 << 20, soft: 512 << 10, softSeconds: 3))
    #expect(options.unixSocketMode == 0o700)
    #expect(options.idleTimeoutSeconds == 7)
    #expect(options.configurationPath == path)
    #expect(try CommandLineOptions.parse(["--config", path]).idleTimeoutSeconds == 6)
  }

  @Test func `what another file says stands in its place`() throws {
    let directory = TestDirectory()
    _ = try directory.write("more.conf", "timeout 2\nmaxclients 3\n")
    let path = try directory.write("kvd.conf", "timeout 1\ninclude more.conf\nmaxclients 4\n")
    let options = try CommandLineOptions.parse([path])
    #expect(options.idleTimeoutSeconds == 2)
    #expect(options.clientLimit == 4)
  }

  @Test(arguments: [
    ("port 70000", "kvd.conf:2: 'port' must be a number from 0 to 65535, not '70000'"),
    ("port x", "kvd.conf:2: 'port' must be a number from 0 to 65535, not 'x'"),
    ("port", "kvd.conf:2: 'port' needs a value"),
    ("port 1 2", "kvd.conf:2: 'port' takes one value, not 2"),
    ("prot 1", "kvd.conf:2: unknown setting 'prot'; see 'kvd serve --help'"),
    ("dir \"a", "kvd.conf:2: unbalanced quotes"),
    ("include", "kvd.conf:2: 'include' needs one path"),
    ("include kvd.conf", "kvd.conf:2: includes are more than 16 levels deep"),
    ("include absent.conf", "absent.conf: "), ("dir ''", "kvd.conf:2: 'dir' must not be empty"),
    ("memory 1mb", "kvd.conf:2: 'memory' must be a size like 256mb, at least 8388608 bytes"),
    ("durability never", "kvd.conf:2: 'durability' must be one of sync, periodic, not 'never'"),
    ("latency-tracking maybe", "kvd.conf:2: 'latency-tracking' must be yes or no, not 'maybe'"),
    (
      "unixsocketperm 800",
      "kvd.conf:2: 'unixsocketperm' must be an octal number from 0 to 777, not '800'"
    ),
    ("appendonly maybe", "kvd.conf:2: 'appendonly' must be yes or no, not 'maybe'"),
    ("hz ten", "kvd.conf:2: 'hz' must be a number from 0 to 2147483647, not 'ten'"),
    (
      "cluster-enabled yes",
      "kvd.conf:2: 'cluster-enabled' supports only 'no' (there is no cluster), not 'yes'"
    ),
    (
      "replicaof 127.0.0.1 6379",
      "kvd.conf:2: 'replicaof' is not supported (there is no replication): it must be empty, not "
        + "'127.0.0.1 6379'"
    ),
    ("segment 70000", "kvd.conf:2: 'segment' must be a multiple of 4096 bytes, not '70000'"),
    ("client-output-buffer-limit normal 1", "'client-output-buffer-limit' must be CLASS HARD"),
  ])
  func `a mistake is told with file, line and what is wrong`(line: String, message: String) throws {
    let directory = TestDirectory()
    let path = try directory.write("kvd.conf", "# first\n\(line)\n")
    let error = #expect(throws: ConfigurationError.self) { try CommandLineOptions.parse([path]) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func `all mistakes are told at once`() throws {
    let directory = TestDirectory()
    _ = try directory.write("more.conf", "timeout x\n")
    let path = try directory.write(
      "kvd.conf", "port x\ninclude more.conf\nmaxclients 5\nnonsense\ndir \"\n")
    let error = #expect(throws: ConfigurationError.self) {
      try CommandLineOptions.parse([path, "--memory", "1"])
    }
    let places = [
      "kvd.conf:1: ", "more.conf:1: ", "kvd.conf:4: ", "kvd.conf:5: ", "option '--memory'",
    ]
    let problems = try #require(error).problems
    #expect(problems.count == places.count)
    for (problem, place) in zip(problems, places) { #expect(problem.contains(place)) }
  }

  @Test func `files that include themselves twice end`() throws {
    let directory = TestDirectory()
    let path = try directory.write("kvd.conf", "include kvd.conf\ninclude kvd.conf\n")
    let error = #expect(throws: ConfigurationError.self) { try CommandLineOptions.parse([path]) }
    #expect(try #require(error).problems.count <= 100)
  }

  @Test func `save points of several lines add up, as in Redis`() throws {
    let directory = TestDirectory()
    let path = try directory.write("kvd.conf", "save 900 1\nsave 300 10\nhz 20\nslave-priority 3\n")
    let options = try CommandLineOptions.parse([path, "--loglevel", "warning"])
    #expect(Settings.named("save")?.text(options) == "900 1 300 10")
    #expect(options.notes.count == 5)
    #expect(
      options.notes[0].hasPrefix("\(path):1: 'save' is a Redis setting that has no effect in kvd"))
    let text = ConfigurationRewrite.text(
      of: Array(try directory.read("kvd.conf").utf8), for: options)
    #expect(
      String(decoding: text, as: UTF8.self)
        == "save 900 1 300 10\nhz 20\nslave-priority 3\n# Generated by CONFIG REWRITE\nloglevel warning\n"
    )
  }

  @Test func `every setting takes the value that it tells`() throws {
    let defaults = ServerOptions()
    for setting in Settings.all {
      var options = defaults
      let text = setting.text(defaults)
      if setting.isOptionalText(text) { continue }
      try setting.set([text], &options)
      #expect(setting.text(options) == text, "\(setting.name)")
    }
  }
}

extension Setting {
  /// Empty is the default of those that may be left out.
  fileprivate func isOptionalText(_ text: String) -> Bool { text.isEmpty && change == .start }
}

extension TestDirectory {
  /// Makes a file in the directory and returns its path.
  func write(_ name: String, _ text: String) throws -> String {
    let file = try #require(fopen(path + "/" + name, "w"))
    defer { fclose(file) }
    #expect(fputs(text, file) >= 0)
    return path + "/" + name
  }

  func read(_ name: String) throws -> String {
    let file = try #require(fopen(path + "/" + name, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return String(decoding: bytes, as: UTF8.self)
  }
}
