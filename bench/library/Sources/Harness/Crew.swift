import Foundation
import Synchronization

/// Threads that do one thing at the same time.
enum Crew {
  /// Runs `body` on `count` threads, each with its number, and returns what they return once all have
  /// ended; throws the first error.
  static func run<R: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (_ thread: Int) throws -> R
  ) throws -> [R] {
    try start(count, body).wait()
  }

  /// The same without waiting.
  static func start<R: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (_ thread: Int) throws -> R
  ) -> Running<R> {
    let running = Running<R>(count: count)
    for number in 0..<count {
      let thread = Thread {
        running.end(number, Result { try body(number) })
      }
      thread.start()
    }
    return running
  }

  final class Running<R: Sendable>: Sendable {
    private let results: Mutex<[Result<R, any Error>?]>
    private let ended = DispatchSemaphore(value: 0)
    private let count: Int

    init(count: Int) {
      self.count = count
      results = Mutex([Result<R, any Error>?](repeating: nil, count: count))
    }

    func end(_ number: Int, _ result: Result<R, any Error>) {
      results.withLock { $0[number] = result }
      ended.signal()
    }

    func wait() throws -> [R] {
      for _ in 0..<count { ended.wait() }
      return try results.withLock { try $0.map { try $0!.get() } }
    }
  }
}
