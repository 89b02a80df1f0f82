import Base

/// Lines on their way to stderr, which a thread of its own writes: a pipe that nobody reads or a slow disk must not hold up
/// what has something to say, such as event loops, and scripts while all writers wait.
///
/// Lines keep their order. Where there is no room for one it is left out, and so are those after it until there is room
/// again; a line with their number stands in their place.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor.
final class LogQueue: @unchecked Sendable {
  /// What may wait, in bytes. As much again may be on its way.
  private static let byteLimit = 1 << 20

  private let monitor = Monitor()
  private var waiting: [UInt8] = []
  private var omittedCount = 0
  private var isWriting = false
  private let write: @Sendable ([UInt8]) -> Void
  private let describe: @Sendable (_ omittedCount: Int) -> [UInt8]

  /// - Parameters:
  ///   - write: writes lines, and may take as long as it likes.
  ///   - describe: the line that stands in place of lines that were left out.
  init(
    write: @escaping @Sendable ([UInt8]) -> Void,
    describe: @escaping @Sendable (_ omittedCount: Int) -> [UInt8]
  ) {
    self.write = write
    self.describe = describe
  }

  func append(_ line: [UInt8]) {
    monitor.withLock {
      if omittedCount > 0 || waiting.count + line.count > Self.byteLimit {
        omittedCount += 1
      } else {
        waiting += line
      }
      monitor.broadcast()
    }
  }

  /// Writes what comes, on the thread of the caller, and never returns.
  func run() -> Never {
    while true {
      write(take())
      monitor.withLock {
        isWriting = false
        monitor.broadcast()
      }
    }
  }

  /// Waits for lines.
  private func take() -> [UInt8] {
    monitor.withLock {
      while isEmpty { monitor.wait() }
      isWriting = true
      defer {
        waiting = []
        omittedCount = 0
      }
      return omittedCount == 0 ? waiting : waiting + describe(omittedCount)
    }
  }

  private var isEmpty: Bool { waiting.isEmpty && omittedCount == 0 }

  /// Returns when all lines are written, or after `milliseconds`.
  func flush(milliseconds: Int) {
    let end = MonotonicTime.now + .milliseconds(milliseconds)
    monitor.withLock {
      while !isEmpty || isWriting {
        let left = (end - MonotonicTime.now) / .milliseconds(1)
        guard left > 0 else { return }
        monitor.wait(milliseconds: Int(left) + 1)
      }
    }
  }
}
