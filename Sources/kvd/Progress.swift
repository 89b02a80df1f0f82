import Glibc

/// A line that is overwritten on the terminal to show progress; nothing if stderr is not a terminal.
struct Progress {
  private let isShown: Bool

  init(isShown: Bool) {
    self.isShown = isShown && isatty(STDERR_FILENO) == 1
  }

  func show(_ text: String) {
    if isShown { Log.write("\r\u{1B}[K\(text)", to: STDERR_FILENO) }
  }

  func clear() {
    if isShown { Log.write("\r\u{1B}[K", to: STDERR_FILENO) }
  }
}
