import Base
import Synchronization

/// One recovery worker per participant. It replays that participant's mutations in log order while the single
/// reader continues.
///
/// The backlog is bounded for each participant and, through the window account, for all together: an item of a few
/// bytes keeps its whole window in memory, and there may be a thousand participants. So recovery needs no more
/// memory for a long log than for a short one.
final class ReplayWorkers {
  /// One participant's part of a committed transaction, still inside the window it was read in.
  struct Item: Sendable {
    let window: LogWindow
    let range: Range<Int>
    let position: CommitPosition
  }

  private let queues: [ReplayQueue]
  private var threads: [WorkerThread] = []
  private var batches: [ReplayBatch]

  init(_ participants: [any Participant], windowByteLimit: Int = 64 << 20) {
    self.windowByteLimit = windowByteLimit
    let queues = participants.map { _ in ReplayQueue() }
    self.queues = queues
    batches = participants.map { _ in ReplayBatch() }
    threads = zip(participants, queues).enumerated().map { index, pair in
      let (participant, queue) = pair
      return WorkerThread(name: "kvd-replay-\(index)") {
        Self.work(queue, participant)
      }
    }
  }

  /// Hands `item` to the worker of `participant`. Blocks while that worker is far behind.
  func hand(_ item: Item, to participant: Int) {
    batches[participant].append(item)
    if batches[participant].isFull { flush(participant) }
  }

  /// How many bytes of log may be in memory, in addition to the reader's own.
  private let windowByteLimit: Int

  /// Limits the log bytes in memory. If there are too many, hands out all batched items and blocks until the
  /// workers have replayed enough.
  ///
  /// - Parameter own: bytes of the windows that the caller itself keeps.
  func makeRoom(in account: WindowMemoryBudget, own: Int) {
    let limit = windowByteLimit + own
    guard account.exceeds(limit) else { return }
    for participant in batches.indices { flush(participant) }
    account.wait(until: limit)
  }

  /// Waits until everything is replayed. Throws the error of a worker that failed.
  func finish() throws(Finding) {
    for participant in batches.indices {
      flush(participant)
      queues[participant].close()
    }
    for thread in threads { thread.join() }
    for queue in queues {
      if let finding = queue.finding { throw finding }
    }
  }

  private func flush(_ participant: Int) {
    if batches[participant].items.isEmpty { return }
    queues[participant].put(batches[participant])
    batches[participant] = ReplayBatch()
  }

  private static func work(_ queue: ReplayQueue, _ participant: any Participant) {
    while let batch = queue.take() {
      do throws(Finding) {
        for item in batch.items {
          let bytes = item.window.bytes
          try participant.replay(bytes.rawSpan.extracting(item.range), at: item.position)
        }
      } catch {
        queue.fail(error)
      }
    }
  }
}

/// Items to be sent to one worker, and the number of bytes they keep in memory: an item of a few bytes keeps its
/// whole window.
private struct ReplayBatch {
  private static let itemCount = 256
  private static let byteCount = 4 << 20

  private(set) var items: [ReplayWorkers.Item] = []
  private(set) var keptByteCount = 0

  var isFull: Bool { items.count >= Self.itemCount || keptByteCount >= Self.byteCount }

  mutating func append(_ item: ReplayWorkers.Item) {
    if items.last?.window !== item.window { keptByteCount += item.window.bytes.count }
    items.append(item)
  }
}

/// The queue from the reader to one worker.
///
/// Sound as `@unchecked Sendable`: the fields are accessed only inside the monitor.
private final class ReplayQueue: @unchecked Sendable {
  private static let limit = 4
  private static let byteLimit = 8 << 20

  private let monitor = Monitor()
  private var batches: [ReplayBatch] = []
  private var byteCount = 0
  private var isClosed = false
  private var failure: Finding?

  var finding: Finding? { monitor.withLock { failure } }

  func put(_ batch: ReplayBatch) {
    monitor.withLock {
      while failure == nil && (batches.count >= Self.limit || byteCount >= Self.byteLimit) {
        monitor.wait()
      }
      // After a failure further batches are dropped: the open fails as a whole.
      guard failure == nil else { return }
      batches.append(batch)
      byteCount += batch.keptByteCount
      monitor.broadcast()
    }
  }

  func take() -> ReplayBatch? {
    monitor.withLock {
      while batches.isEmpty && !isClosed { monitor.wait() }
      guard !batches.isEmpty else { return nil }
      let batch = batches.removeFirst()
      byteCount -= batch.keptByteCount
      monitor.broadcast()
      return batch
    }
  }

  func close() {
    monitor.withLock {
      isClosed = true
      monitor.broadcast()
    }
  }

  func fail(_ finding: Finding) {
    monitor.withLock {
      failure = finding
      batches.removeAll()
      byteCount = 0
      monitor.broadcast()
    }
  }
}
