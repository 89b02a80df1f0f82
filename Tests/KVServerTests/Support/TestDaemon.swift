import Glibc

// glibc declares it under _GNU_SOURCE only.
@_silgen_name("prlimit")
private func prlimit(
  _ process: pid_t, _ resource: UInt32, _ new: UnsafePointer<rlimit>?,
  _ old: UnsafeMutablePointer<rlimit>?
) -> Int32

/// The `kvd` executable as a child process.
final class TestDaemon: @unchecked Sendable {
  // Each is used by one thread at a time.
  private let process: pid_t
  private let messages: Int32
  /// What it has said on stderr so far.
  private(set) var text = ""
  private var status: Int32?

  /// `kvd` with `arguments`; `prefix` may be shell commands that prepare it.
  init(_ arguments: [String], shell prefix: String? = nil) throws {
    var command = [try Self.executable()] + arguments
    if let prefix { command = ["/bin/sh", "-c", prefix + "; exec \"$0\" \"$@\""] + command }
    var pipe: [Int32] = [0, 0]
    guard Glibc.pipe(&pipe) == 0 else { throw TestFailure(message: "pipe: \(errno)") }
    for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    messages = pipe[0]
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO)
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
    var words = command.map { strdup($0) } + [nil]
    defer {
      for word in words { free(word) }
      posix_spawn_file_actions_destroy(&actions)
      close(pipe[1])
    }
    var process: pid_t = 0
    let code = posix_spawn(&process, command[0], &actions, nil, &words, environ)
    self.process = process
    guard code == 0 else { throw TestFailure(message: "posix_spawn: \(code)") }
  }

  /// One that serves the store at `path`, on a port of the system's choice.
  static func serving(
    _ path: String, _ arguments: [String] = [], shell prefix: String? = nil
  ) throws -> TestDaemon {
    let daemon = try TestDaemon(
      ["serve", "--data", path, "--port", "0"] + arguments, shell: prefix)
    while daemon.port == 0 {
      guard daemon.readMore() else { throw TestFailure(message: "kvd ended: " + daemon.text) }
    }
    return daemon
  }

  deinit {
    if status == nil { _ = end(with: SIGKILL) }
    close(messages)
  }

  /// The port that it said it listens on.
  var port: Int {
    guard
      let words = text.split(separator: "\n").first(where: { $0.contains(" ready on ") })?
        .split(separator: " "), let place = words.firstIndex(of: "port")
    else { return 0 }
    return Int(words[place + 1].filter(\.isNumber)) ?? 0
  }

  /// Reads what it says until `words` are there. False if it ended without them.
  func says(_ words: String) -> Bool {
    while !text.contains(words) {
      guard readMore() else { return false }
    }
    return true
  }

  /// Lets it open no descriptor from `limit` on, and returns what its limit was; prlimit(2).
  func limitDescriptors(to limit: rlim_t) throws -> rlim_t {
    var old = rlimit()
    guard prlimit(process, RLIMIT_NOFILE.rawValue, nil, &old) == 0 else {
      throw TestFailure(message: "prlimit: \(errno)")
    }
    var new = rlimit(rlim_cur: limit, rlim_max: old.rlim_max)
    guard prlimit(process, RLIMIT_NOFILE.rawValue, &new, nil) == 0 else {
      throw TestFailure(message: "prlimit: \(errno)")
    }
    return old.rlim_cur
  }

  func client() throws -> TestClient { try TestClient(port: port) }

  func signal(_ number: Int32) { kill(process, number) }

  /// Signals it and waits for its end; see `wait`.
  func end(with number: Int32) -> Int32 {
    signal(number)
    return wait()
  }

  /// Waits for its end, reads its last words, and returns its exit status, or the negative number of
  /// the signal that ended it.
  func wait() -> Int32 {
    if let status { return status }
    while readMore() {}
    var raw: Int32 = 0
    while waitpid(process, &raw, 0) < 0, errno == EINTR {}
    let status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : -(raw & 0x7F)
    self.status = status
    return status
  }

  /// Its anonymous memory in bytes.
  var anonymousByteCount: Int {
    guard let file = fopen("/proc/\(process)/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(
        decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      if text.hasPrefix("RssAnon:") { return (Int(text.filter(\.isNumber)) ?? 0) << 10 }
    }
    return 0
  }

  private func readMore() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = read(messages, &chunk, chunk.count)
    guard count > 0 else { return false }
    text += String(decoding: chunk[..<count], as: UTF8.self)
    return true
  }

  /// It is built beside the tests.
  private static func executable() throws -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    for folder in [own] + CommandLine.arguments {
      var parts = folder.split(separator: "/", omittingEmptySubsequences: false)
      while !parts.isEmpty {
        parts.removeLast()
        let candidate = parts.joined(separator: "/") + "/kvd"
        var information = stat()
        if stat(candidate, &information) == 0, information.st_mode & S_IFMT == S_IFREG {
          return candidate
        }
      }
    }
    throw TestFailure(message: "no kvd beside \(own) or \(CommandLine.arguments)")
  }
}
