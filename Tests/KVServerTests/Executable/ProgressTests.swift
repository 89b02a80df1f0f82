import Foundation
import Glibc
import Testing

@testable import KVStore

/// What `kvd recover` shows while it works.
struct ProgressTests {
  @Test func `a terminal sees how many percent of the log are read, and keeps the report alone`()
    throws
  {
    let directory = try unfinished()
    let terminal = try Terminal()
    let process = try TestDaemon(
      ["recover", "--data", directory.path], shell: "exec >\(terminal.name) 2>&1")
    #expect(process.wait() == 0)
    let text = terminal.text()
    #expect(text.contains("\r\u{1B}[Kreading the log: "))
    let percents = text.split(separator: "reading the log: ").dropFirst().map {
      Int($0.prefix { $0 != "%" })
    }
    #expect(percents.count > 1 && percents.allSatisfy { $0 != nil && $0! < 100 }, "\(percents)")
    #expect(percents.compactMap { $0 } == percents.compactMap { $0 }.sorted())
    // What is left once every line was wiped that was to be: whole lines, all of the report.
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map {
      $0.components(separatedBy: "\r\u{1B}[K").last ?? ""
    }
    #expect(lines.first?.hasPrefix("log: ") == true)
    #expect(lines.last == "")
    #expect(!lines.contains { $0.contains("reading the log") })
  }

  @Test(arguments: [[], ["--json", "yes"]])
  func `what is not read by a person on a terminal has no progress in it`(arguments: [String])
    throws
  {
    let directory = try unfinished()
    let terminal = try Terminal()
    // For programs also on a terminal, for people only there.
    let process = try TestDaemon(
      ["recover", "--data", directory.path] + arguments,
      shell: arguments.isEmpty ? nil : "exec >\(terminal.name) 2>&1")
    #expect(process.wait() == 0)
    let text = arguments.isEmpty ? process.text : terminal.text()
    #expect(text.hasPrefix(arguments.isEmpty ? "log: " : "{"))
    #expect(text.last?.isNewline == true)
    #expect(!text.contains("\u{1B}"))
    #expect(!text.contains("reading"))
  }

  /// A store that was killed with some MiB in its log.
  private func unfinished() throws -> TestDirectory {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, ["--partitions", "2"])
    let client = try daemon.client()
    let value = String(repeating: "v", count: 100_000)
    for number in 0..<50 { #expect(try client.ask("SET", "\(number)", value) == "+OK") }
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    return directory
  }
}

// glibc declares these for programs that ask for the X/Open extensions only; Swift's Glibc does not.
@_silgen_name("posix_openpt") private func openTerminal(_ flags: Int32) -> Int32
@_silgen_name("grantpt") private func grantpt(_ screen: Int32) -> Int32
@_silgen_name("unlockpt") private func unlockpt(_ screen: Int32) -> Int32
@_silgen_name("ptsname_r")
private func takeName(of screen: Int32, into name: UnsafeMutablePointer<CChar>, _ count: Int)
  -> Int32

/// A terminal whose screen is read here; posix_openpt(3).
private final class Terminal {
  let name: String
  private let screen: Int32
  /// Kept open, so that what was written last is still there when nobody else has it open.
  private let line: Int32

  init() throws {
    screen = openTerminal(O_RDWR | O_NOCTTY)
    guard screen >= 0, grantpt(screen) == 0, unlockpt(screen) == 0 else {
      throw TestFailure(message: "no terminal: \(errno)")
    }
    for flag in [F_SETFD: FD_CLOEXEC, F_SETFL: O_NONBLOCK] {
      _ = fcntl(screen, flag.key, flag.value)
    }
    var name = [CChar](repeating: 0, count: 64)
    guard takeName(of: screen, into: &name, name.count) == 0 else {
      throw TestFailure(message: "a terminal without a name: \(errno)")
    }
    self.name = String(
      decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    line = open(self.name, O_RDWR | O_NOCTTY | O_CLOEXEC)
  }

  deinit {
    close(line)
    close(screen)
  }

  /// All that was written to it so far; it holds a few KiB.
  func text() -> String {
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(screen, &chunk, chunk.count)
      guard count > 0 else { return String(decoding: text, as: UTF8.self) }
      text += chunk[..<count]
    }
  }
}
