import Glibc

/// A `kvd serve` process, and how to end it in every way.
final class Daemon {
  struct Options {
    var executable: String
    var data: String
    var arguments: [String]
    /// For what is preloaded, and for crash points.
    var environment: [String] = []
    /// The crash point at which it may end by itself; empty for none.
    var crashPoint = ""
    /// Where its messages go.
    var log: String
  }

  let process: pid_t
  private(set) var port = 0
  /// How it ended, once that is known.
  private(set) var ending: System.Ending?
  private let options: Options
  private let logStart: Int

  init(_ options: Options) {
    self.options = options
    logStart = System.text(of: options.log).utf8.count
    process = System.spawn(
      [options.executable, "serve", "--data", options.data, "--port", "0"] + options.arguments,
      environment: options.environment
        + (options.crashPoint.isEmpty ? [] : ["KVD_CRASH_AT=\(options.crashPoint)"]),
      output: options.log)
    System.daemon.store(process, ordering: .sequentiallyConsistent)
  }

  /// What this process has said.
  var messages: String {
    String(decoding: Array(System.text(of: options.log).utf8.dropFirst(logStart)), as: UTF8.self)
  }

  var crashPoint: String { options.crashPoint }

  /// Whether it ended where its crash point is.
  var hasCrashed: Bool { !options.crashPoint.isEmpty && ending == .exited(137) }

  /// Whether it ended in another way than the driver wanted.
  var hasFailed: Bool {
    if let ending { ending != .killed(SIGKILL) && !hasCrashed } else { false }
  }

  /// Waits until it listens. False if it ended instead, or took more than a minute.
  func waitUntilReady() -> Bool {
    let deadline = System.now() + 60_000_000_000
    while System.now() < deadline {
      for line in messages.split(separator: "\n") where line.contains("ready on") {
        let words = line.split { $0 == " " || $0 == "," }
        if let place = words.firstIndex(of: "port"), place + 1 < words.count,
          let port = Int(words[place + 1])
        {
          self.port = port
          return true
        }
      }
      if !isRunning { return false }
      usleep(500)
    }
    return false
  }

  var isRunning: Bool {
    if ending == nil { ending = System.wait(process, blocking: false) }
    if ending != nil { forget() }
    return ending == nil
  }

  /// Ends it, unless it has ended by itself.
  func kill() {
    if !isRunning { return }
    _ = Glibc.kill(process, SIGKILL)
    ending = System.wait(process, blocking: true)
    forget()
  }

  /// Waits so long, or until it has ended.
  func sleep(milliseconds: Int) {
    let end = System.now() + UInt64(max(0, milliseconds)) * 1_000_000
    while isRunning, System.now() < end { usleep(1000) }
  }

  func pause(milliseconds: Int) {
    _ = Glibc.kill(process, SIGSTOP)
    System.sleep(milliseconds: milliseconds)
    _ = Glibc.kill(process, SIGCONT)
  }

  /// SIGTERM; nil if it did not end within a minute.
  func stop() -> System.Ending? {
    _ = Glibc.kill(process, SIGTERM)
    sleep(milliseconds: 60_000)
    return ending
  }

  private func forget() { System.daemon.store(0, ordering: .sequentiallyConsistent) }
}
