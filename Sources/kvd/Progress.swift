import Glibc

/// One line on a terminal that is written over again and again; nothing where stderr is none.
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
