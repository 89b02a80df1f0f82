import Synchronization

/// One recovery worker per participant: it takes in that participant's mutations in the order of the
/// log while the one reader goes on.
///
/// What is handed over and not yet taken in is bounded, so that recovery needs no more memory for a
/// long log than for a short one.
final class ReplayWorkers {
  /// One participant's part of one committed transaction, still inside the window it was read in.
  struct Item: Sendable {
    let window: LogWindow
    let range: Range<Int>
    let position: CommitPosition
  }

  private let queues: [ReplayQueue]
  private var threads: [WorkerThread] = []
  private var batches: [[Item]]

  init(_ participants: [any Participant]) {
    let queues = participants.map { _ in ReplayQueue() }
    self.queues = queues
    batches = participants.map { _ in [] }
    threads = zip(participants, queues).enumerated().map { index, pair in
      let (participant, queue) = pair
      return WorkerThread(name: "kvd-replay-\(index)") {
        Self.work(queue, participant)
      }
    }
  }

  /// Hands `item` to the worker of `participant`; waits while that worker is far behind.
  func hand(_ item: Item, to participant: Int) {
    batches[participant].append(item)
    if batches[participant].count >= ReplayQueue.batchCount { flush(participant) }
  }

  /// Waits until all is taken in, and throws what a worker could not.
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
    if batches[participant].isEmpty { return }
    queues[participant].put(batches[participant])
    batches[participant].removeAll(keepingCapacity: true)
  }

  private static func work(_ queue: ReplayQueue, _ participant: any Participant) {
    while let batch = queue.take() {
      do throws(Finding) {
        for item in batch {
          let bytes = item.window.bytes
          try participant.replay(bytes.rawSpan.extracting(item.range), at: item.position)
        }
      } catch {
        queue.fail(error)
      }
    }
  }
}

/// The way from the reader to one worker.
///
/// Sound as `@unchecked Sendable`: the fields are touched only inside the monitor.
private final class ReplayQueue: @unchecked Sendable {
  static let batchCount = 256
  private static let limit = 4
  private static let byteLimit = 8 << 20

  private let monitor = Monitor()
  private var batches: [[ReplayWorkers.Item]] = []
  private var byteCount = 0
  private var isClosed = false
  private var failure: Finding?

  var finding: Finding? { monitor.withLock { failure } }

  func put(_ batch: [ReplayWorkers.Item]) {
    monitor.withLock {
      while failure == nil && (batches.count >= Self.limit || byteCount >= Self.byteLimit) {
        monitor.wait()
      }
      // After a failure what comes is dropped: the open fails as a whole.
      guard failure == nil else { return }
      batches.append(batch)
      byteCount += Self.byteCount(of: batch)
      monitor.broadcast()
    }
  }

  func take() -> [ReplayWorkers.Item]? {
    monitor.withLock {
      while batches.isEmpty && !isClosed { monitor.wait() }
      guard !batches.isEmpty else { return nil }
      let batch = batches.removeFirst()
      byteCount -= Self.byteCount(of: batch)
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

  private static func byteCount(of batch: [ReplayWorkers.Item]) -> Int {
    batch.reduce(0) { $0 + $1.range.count }
  }
}
