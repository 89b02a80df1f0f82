import Glibc

/// A `kvd serve` process, and how to end it in every way.
final class Daemon {
  struct Options {
    var executable: String
    var data: String
    var arguments: [String]
    /// For the preloaded recorder.
    var environment: [String] = []
    /// Where its messages go.
    var log: String
  }

  let process: pid_t
  private(set) var port = 0
  private let options: Options
  private let logStart: Int

  init(_ options: Options) {
    self.options = options
    logStart = System.text(of: options.log).utf8.count
    process = System.spawn(
      [options.executable, "serve", "--data", options.data, "--port", "0"] + options.arguments,
      environment: options.environment, output: options.log)
    System.daemon.store(process, ordering: .sequentiallyConsistent)
  }

  /// What this process has said.
  var messages: String {
    String(decoding: Array(System.text(of: options.log).utf8.dropFirst(logStart)), as: UTF8.self)
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
      if System.wait(process, blocking: false) != nil {
        forget()
        return false
      }
      usleep(500)
    }
    return false
  }

  func kill() {
    _ = Glibc.kill(process, SIGKILL)
    _ = System.wait(process, blocking: true)
    forget()
  }

  func pause(milliseconds: Int) {
    _ = Glibc.kill(process, SIGSTOP)
    System.sleep(milliseconds: milliseconds)
    _ = Glibc.kill(process, SIGCONT)
  }

  /// SIGTERM; nil if it did not end within a minute.
  func stop() -> System.Ending? {
    _ = Glibc.kill(process, SIGTERM)
    let deadline = System.now() + 60_000_000_000
    while System.now() < deadline {
      if let ending = System.wait(process, blocking: false) {
        forget()
        return ending
      }
      usleep(500)
    }
    return nil
  }

  private func forget() { System.daemon.store(0, ordering: .sequentiallyConsistent) }
}
