import Glibc
import TxnWAL

/// Lines for the operator on stderr, each with the time in UTC, each written by one call so that
/// lines of several threads do not mix.
enum Log {
  /// Sends what goes to stderr to the end of the file at `path` from now on: all of it, so that the last words of a
  /// process that dies are there too. Again for the same path after the file was moved away. Returns what is wrong,
  /// if anything is; then nothing changes. open(2), dup2(2).
  static func redirect(to path: String) -> String? {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { return SystemCall.message(for: errno) }
    defer { close(descriptor) }
    return dup2(descriptor, STDERR_FILENO) < 0 ? SystemCall.message(for: errno) : nil
  }

  static func line(_ text: String) {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
    let stamp = "\(dateAndTime(of: now.tv_sec)).\(milliseconds)Z"
    write("\(stamp) \(escaped(text))\n", to: STDERR_FILENO)
  }

  /// With control characters as `\\xNN`: clients and file names must not forge lines.
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
