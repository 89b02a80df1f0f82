import Base
import Glibc
import Synchronization
import Testing

@testable import TxnWAL

/// Waiting for what becomes durable next, on threads and in tasks.
@Suite(.timeLimit(.minutes(3))) struct LogTailTests {
  @Test func `a wait that runs out returns nothing, and the cursor goes on`() throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .end)
    #expect(try cursor.next(wait: .milliseconds(5)) == nil)
    #expect(try cursor.next(wait: .nanoseconds(1)) == nil)
    try log.commit(Part(0, "x"))
    #expect(try cursor.next(wait: .seconds(Int64.max))?.sequence == 1)
    log.abandon()
  }

  /// Threads that wait and a writer that meets them at every moment: nobody may sleep through a group.
  @Test func `threads that wait see every batch as it comes`() throws {
    let log = try TestLog.open()
    let count = 300
    let seen = Lock<[[UInt64]]>([])
    let cursors = try (0..<3).map { _ in try log.retention.cursor(from: .end) }
    let threads = cursors.map { cursor in
      WorkerThread(name: "cursor") {
        var own: [UInt64] = []
        while own.count < count, let batch = try? cursor.next() { own.append(batch.sequence) }
        seen.withLock { $0.append(own) }
      }
    }
    let shortener = WorkerThread(name: "shorten") {
      while log.watermarks.published < UInt64(count) { try? log.shorten() }
    }
    for number in 0..<count { try log.commit(Part(number % 3, [UInt8(number % 256)])) }
    for thread in threads + [shortener] { thread.join() }
    #expect(seen.withLock { $0 } == Array(repeating: Array(1...UInt64(count)), count: 3))
    log.abandon()
  }

  /// Segments are recycled in the middle of reads. What such a cursor shows is right all the same, and when it cannot go
  /// on it says so, and never that the log is damaged.
  @Test func `a cursor that is overtaken while it reads meets no damage`() throws {
    let log = try TestLog.open()
    let count = 400
    let failures = Lock<[String]>([])
    let overtaken = Atomic<Int>(0)
    let begun = Atomic<Int>(0)
    let readers = (0..<2).map { _ in
      WorkerThread(name: "reader") {
        var hasBegun = false
        // At the end everything may be recycled before it was read.
        while log.watermarks.published < UInt64(count) {
          do throws(LogError) {
            let cursor = try log.retention.cursorWithoutHold(from: .oldest)
            while let batch = try cursor.next(wait: .milliseconds(1)) {
              if !hasBegun { begun.add(1, ordering: .relaxed) }
              hasBegun = true
              let parts = [Part(0, TestLog.page(Int(batch.sequence)))]
              if batch.seen.parts != parts { failures.withLock { $0.append("\(batch.seen)") } }
              // Now and then it waits until its segment has become others.
              let later = min(batch.sequence + 60, UInt64(count))
              while batch.sequence % 10 == 0, log.watermarks.published < later { sched_yield() }
            }
          } catch .notKept {
            overtaken.add(1, ordering: .relaxed)
          } catch {
            failures.withLock { $0.append("\(error)") }
            return
          }
        }
      }
    }
    for number in 1...count {
      try log.commit(Part(0, TestLog.page(number)))
      if number == 20 { while begun.load(ordering: .relaxed) < readers.count { sched_yield() } }
      if number > 20 { try log.shorten() }
    }
    for reader in readers { reader.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(overtaken.load(ordering: .relaxed) > 0)
    log.abandon()
  }

  @Test func `a thread that waits is woken by a closed cursor, a closed log and a poisoned one`()
    throws
  {
    for (name, act, expected) in [
      ("cursor", { $1.close() }, .closed),
      ("log", { log, _ in try log.coordinator.close() }, .closed),
      (
        "poison", { log, _ in log.coordinator.poison(because: "test") },
        .poisoned(because: "test")
      ),
    ] as [(String, (TestLog, LogCursor) throws -> Void, LogError)] {
      let log = try TestLog.open()
      let cursor = try log.retention.cursor(from: .end)
      let result = Lock<LogError?>(nil)
      let isBegun = Atomic<Bool>(false)
      let thread = WorkerThread(name: "waiter") {
        isBegun.store(true, ordering: .releasing)
        do throws(LogError) { _ = try cursor.next() } catch { result.withLock { $0 = error } }
      }
      while !isBegun.load(ordering: .acquiring) { sched_yield() }
      try act(log, cursor)
      thread.join()
      #expect(result.withLock { $0 } == expected, "\(name)")
      log.abandon()
    }
  }

  @Test func `with periodic durability a cursor is woken by the sync`() throws {
    let log = try TestLog.open(durability: .periodic)
    let cursor = try log.retention.cursor(from: .end)
    let position = try log.commit(Part(0, "x"))
    #expect(try cursor.next()?.end == position.end)
    #expect(log.watermarks.durable >= position.end)
    log.abandon()
  }

  @Test func `a task sees every batch, and its loop ends when the log is closed`() async throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .end)
    let task = Task {
      var seen: [SeenBatch] = []
      for try await batch in cursor.batches { seen.append(batch.seen) }
      return seen
    }
    var expected: [SeenBatch] = []
    for number in 0..<100 {
      let parts = [Part(number % 3, TestLog.page(number))]
      let position = try log.commit(parts)
      expected.append(SeenBatch(sequence: position.sequence, end: position.end, parts: parts))
    }
    while cursor.position < log.watermarks.durable { await Task.yield() }
    try log.coordinator.close()
    #expect(try await task.value == expected)
  }

  @Test func `a task that is cancelled while it waits, or before, ends its loop`() async throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "x"))
    for waits in [true, false] {
      let cursor = try log.retention.cursor(from: .oldest)
      let task = Task {
        var count = 0
        if !waits { while !Task.isCancelled { await Task.yield() } }
        for try await _ in cursor.batches { count += 1 }
        return count
      }
      if waits { while cursor.position < log.watermarks.durable { await Task.yield() } }
      task.cancel()
      #expect(try await task.value == (waits ? 1 : 0))
      // The cursor itself is still good.
      let next = try log.commit(Part(0, "y"))
      while let batch = try cursor.next() { if batch.sequence == next.sequence { break } }
    }
    log.abandon()
  }

  @Test func `a task gets the log's error, after what was durable`() async throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .end)
    let task = Task { () -> (count: Int, error: LogError?) in
      var count = 0
      do throws(LogError) {
        for try await _ in cursor.batches { count += 1 }
        return (count, nil)
      } catch {
        return (count, error)
      }
    }
    try log.commit(Part(0, "x"))
    log.coordinator.poison(because: "test")
    let result = await task.value
    #expect(result.count == 1 && result.error == .poisoned(because: "test"))
    log.abandon()
  }

  @Test func `two consumers of one cursor are a trap`() async {
    await #expect(processExitsWith: .failure) {
      let log = try TestLog.open()
      let cursor = try log.retention.cursor(from: .end)
      let first = WorkerThread(name: "first") { _ = try? cursor.next() }
      _ = first
      while true { _ = try cursor.next(wait: .milliseconds(1)) }
    }
  }

  @Test func `a cursor does not keep a closed log alive`() throws {
    weak var coordinator: Coordinator?
    let cursor: LogCursor
    do {
      let log = try TestLog.open()
      coordinator = log.coordinator
      cursor = try log.retention.cursor(from: .end)
      try log.coordinator.close()
    }
    #expect(coordinator == nil)
    #expect(throws: LogError.closed) { try cursor.next() }
  }
}
