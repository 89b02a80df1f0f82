import Base
import Glibc

/// Lines for the operator on stderr, each with the time in UTC.
///
/// Each line is written by a single call, so that lines of different threads do not mix. After
/// `startThread` the thread of a `LogQueue` writes them, and callers do not wait for stderr.
enum Log {
  private static let queue = Lock<LogQueue?>(nil)

  /// Makes a separate thread write the lines. Call after signals are blocked.
  static func startThread() {
    let queue = LogQueue(
      write: { write($0, to: STDERR_FILENO) },
      describe: { omittedCount in
        bytes(
          "\(Plural.count(omittedCount, "message was", "messages were")) dropped: they were logged faster than they "
            + "could be written")
      })
    do throws(IOError) {
      _ = try WorkerThread(attempting: "kvd-messages") { queue.run() }
      self.queue.withLock { $0 = queue }
    } catch {
      line("cannot start the log thread: \(IOError.text(ofErrno: error.errno))")
    }
  }

  /// Waits until pending lines are written, but at most two seconds. Call before the process exits.
  static func flush() { queue.withLock { $0 }?.flush(milliseconds: 2_000) }

  /// Redirects stderr to the end of the file at `path`: everything written to it, so that the last output
  /// of a crashing process is in the file too. Call again with the same path to reopen the file after it
  /// was moved. Returns the error, if there is one; then nothing changes. open(2), dup2(2).
  static func redirect(to path: String) -> String? {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { return IOError.text(ofErrno: errno) }
    defer { close(descriptor) }
    return dup2(descriptor, STDERR_FILENO) < 0 ? IOError.text(ofErrno: errno) : nil
  }

  static func line(_ text: String) {
    let line = bytes(text)
    if let queue = queue.withLock({ $0 }) {
      queue.append(line)
    } else {
      write(line, to: STDERR_FILENO)
    }
  }

  private static func bytes(_ text: String) -> [UInt8] {
    let now = SystemClock.timeOfDay()
    let milliseconds = String(now.microseconds / 1000 + 1000).dropFirst()
    let stamp = "\(dateAndTime(of: time_t(now.seconds))).\(milliseconds)Z"
    return Array("\(stamp) \(escaped(text))\n".utf8)
  }

  /// Writes control characters as `\\xNN`: clients and file names must not be able to forge lines.
  private static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
    return text.unicodeScalars.reduce(into: "") { escaped, scalar in
      if scalar.value < 0x20 || scalar.value == 0x7F {
        escaped += "\\x" + String(scalar.value + 256, radix: 16).dropFirst()
      } else {
        escaped.unicodeScalars.append(scalar)
      }
    }
  }

  static func write(_ text: String, to descriptor: Int32) {
    write(Array(text.utf8), to: descriptor)
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// gmtime_r(3) and strftime(3)
  private static func dateAndTime(of seconds: time_t) -> String {
    var seconds = seconds
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let length = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
    return String(decoding: text.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
