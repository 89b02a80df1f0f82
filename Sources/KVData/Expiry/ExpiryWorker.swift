import KVStore
import Synchronization
import TxnWAL

/// The thread that removes what has expired.
///
/// What has expired is hidden from every read already, so the worker is never in a hurry: it takes the oldest
/// entries of the index of expiries, a chunk at a time, looks in one batch at each entry that is named
/// there, and removes those that have indeed expired. Between chunks everybody else has their turn, so that
/// the end of a hundred million keys in one second is noticed by nobody.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, `thread` by whoever
/// starts and closes the worker.
public final class ExpiryWorker: @unchecked Sendable {
  /// So many entries of the index are looked at in one batch, while all writers wait.
  static let chunkCount = 64
  private static let idleMilliseconds = 100
  /// After a refusal, as of a full disk.
  private static let refusedMilliseconds = 1000
  /// A batch may still put something into the index whose time came while it was made, and which a walk
  /// that had come further would miss.
  private static let settlingMilliseconds: UInt64 = 1000

  private let store: Store
  private let failed: @Sendable (StoreError) -> Void
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isClosing = false
  private let pause = Atomic<Bool>(false)
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: is told why nothing can be removed for the moment, from the worker's thread; the
  ///   worker tries again.
  public init(store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in }) {
    self.store = store
    self.failed = failed
  }

  /// Starts the thread. To be called once.
  public func start() {
    thread = WorkerThread(name: "kvd-expiry") { self.run() }
  }

  /// Ends the thread after the chunk that is under way. To be called before the store is closed.
  public func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  /// Whether the worker rests; what has expired stays hidden all the same.
  public var isPaused: Bool {
    get { pause.load(ordering: .relaxed) }
    set { pause.store(newValue, ordering: .relaxed) }
  }

  /// How many entries it has removed.
  public var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  private func run() {
    let reader = store.makeReader()
    defer { reader.close() }
    var walk = ExpiryWalk()
    var isRefused = false
    while true {
      var pause = Self.idleMilliseconds
      if !isPaused {
        do throws(StoreError) {
          if try removeChunk(reader, &walk) { pause = 0 }
          isRefused = false
        } catch {
          // Once for each stretch of refusals.
          if !isRefused { failed(error) }
          isRefused = true
          pause = Self.refusedMilliseconds
        }
        reader.end()
      }
      guard waits(milliseconds: pause) else { return }
    }
  }

  /// False when the worker is to end.
  private func waits(milliseconds: Int) -> Bool {
    monitor.withLock {
      if !isClosing, milliseconds > 0 { monitor.wait(milliseconds: milliseconds) }
      return !isClosing
    }
  }

  /// Removes the next of what has expired. True where there may be more.
  private func removeChunk(
    _ reader: Reader, _ walk: inout ExpiryWalk
  ) throws(StoreError) -> Bool {
    let now = store.now
    let found = try walk.next(Self.chunkCount, upTo: now, reader)
    if found.isEmpty { return false }
    var byteCount = 0
    for key in found {
      byteCount += 2 * key.count + Self.overhead
      let entryKey = key.rawSpan.extracting(ExpiryWalk.entryRange(of: key.rawSpan))
      byteCount += try Records.touch(entryKey, with: reader)
    }
    reader.end()
    let (count, receipt) = try store.admitAndEvaluate(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: true
    ) { evaluation throws(StoreError) in
      var count: UInt64 = 0
      for key in found where try Self.settle(key.rawSpan, in: &evaluation) { count += 1 }
      // What has expired by now is gone for good, also what this chunk has not come to.
      try evaluation.putClock()
      return count
    }
    try store.waitUntilDurable(receipt)
    removed.add(count, ordering: .relaxed)
    walk.advance(behind: found, butNotBeyond: now - min(now, Self.settlingMilliseconds))
    return found.count == Self.chunkCount
  }

  private static let overhead = 64

  /// Removes the entry that a key of the index names if it has expired, and the key of the index in any case:
  /// it may be of an earlier write of the entry. Returns whether the entry went.
  private static func settle(
    _ indexKey: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    let key = indexKey.extracting(ExpiryWalk.entryRange(of: indexKey))
    let hasExpired = try Records.removeExpired(key, in: &evaluation)
    try evaluation.deleteIndex(indexKey)
    return hasExpired
  }
}
