import Base

/// Lines queued for stderr, written by a separate thread: a pipe that is not read or a slow disk must not
/// block the threads that log, such as event loops, or scripts that all writers wait for.
///
/// Lines keep their order. A line that there is no room for is dropped, and so are all lines after it until
/// the queue is written; a line with their number replaces them.
///
/// Sound as `@unchecked Sendable`: the plain fields are accessed only inside the monitor.
final class LogQueue: @unchecked Sendable {
  /// The most bytes that may be queued. The same amount may be in the process of being written.
  private static let byteLimit = 1 << 20

  private let monitor = Monitor()
  private var waiting: [UInt8] = []
  private var omittedCount = 0
  private var isWriting = false
  private let write: @Sendable ([UInt8]) -> Void
  private let describe: @Sendable (_ omittedCount: Int) -> [UInt8]

  /// - Parameters:
  ///   - write: writes lines; may block.
  ///   - describe: the line that replaces dropped lines.
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

  /// Writes lines as they arrive, on the calling thread. Never returns.
  func run() -> Never {
    while true {
      write(take())
      monitor.withLock {
        isWriting = false
        monitor.broadcast()
      }
    }
  }

  /// Waits until there are lines and takes them.
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
