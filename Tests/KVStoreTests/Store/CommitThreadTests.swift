import Base
import Glibc
import Testing

@testable import KVStore

/// The thread that all batches of tasks share.
///
/// The look-ups of one large batch used to be one piece of work: every other task waited for them, and so did a close,
/// as long as the disk took for up to 400,000 keys.
@Suite(.timeLimit(.minutes(3))) struct CommitThreadTests {
  private static let largeCount = 5000

  /// Notes which keys are looked up, and stops at the first until it may go on.
  private final class HeldLookups: DependentEntries {
    let isReached = Flag()
    let isReleased = Flag()
    private let keys = Lock<[[UInt8]]>([])

    var looked: [[UInt8]] { keys.withLock { $0 } }

    func release(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {}

    func touch(_ key: RawSpan, with reader: Reader) throws(StoreError) -> Int {
      isReached.raise()
      while !isReleased.isRaised { usleep(1000) }
      let copy = [UInt8](copying: key)
      keys.withLock { $0.append(copy) }
      return 0
    }
  }

  /// A store that may hold maps, so that what is written is looked up first.
  private func fixture(_ lookups: HeldLookups) throws -> StoreFixture {
    let fixture = try StoreFixture()
    fixture.store.attach(lookups)
    let receipt = try fixture.store.evaluate { evaluation throws(StoreError) in
      try evaluation.putEntry(ownedKey(slot: 0).rawSpan, [1].rawSpan, in: .owned)
    }.receipt
    try fixture.store.waitUntilDurable(receipt)
    return fixture
  }

  private func batch(_ name: String, _ count: Int) throws -> Batch {
    var batch = Batch()
    for number in 0..<count { try batch.put(bytes("\(name) \(number)"), [1]) }
    return batch
  }

  /// Returns while its first key is looked up.
  private func commitLargeBatch(
    to store: Store, _ lookups: HeldLookups
  ) async throws -> Task<Void, any Error> {
    let large = try batch("large", Self.largeCount)
    let task = Task { _ = try await store.commit(large) }
    while !lookups.isReached.isRaised { await Task.yield() }
    return task
  }

  @Test func `a small batch is looked up between slices of a large one`() async throws {
    let lookups = HeldLookups()
    let fixture = try fixture(lookups)
    let store = fixture.store
    let first = try await commitLargeBatch(to: store, lookups)
    let small = try batch("small", 1)
    let second = Task { try await store.commit(small) }
    while store.commitThread.waitingCount == 0 { await Task.yield() }
    lookups.isReleased.raise()
    _ = try await (first.value, second.value)
    #expect(lookups.looked.count == Self.largeCount + 1)
    let place = try #require(lookups.looked.firstIndex(of: bytes("small 0")))
    #expect(place <= RelatedLookups.sliceCount)
    #expect(try store.get(bytes("large 4999")) == [1])
  }

  @Test func `a close waits for one slice of a large batch`() async throws {
    let lookups = HeldLookups()
    let fixture = try fixture(lookups)
    let store = fixture.store
    let task = try await commitLargeBatch(to: store, lookups)
    let closer = WorkerThread(name: "closer") { try? store.close() }
    while (try? store.checkOpen()) != nil { await Task.yield() }
    lookups.isReleased.raise()
    await #expect(throws: StoreError.closed) { try await task.value }
    closer.join()
    #expect(lookups.looked.count <= RelatedLookups.sliceCount)
  }

  @Test func `a task that is cancelled is looked up for no longer`() async throws {
    let lookups = HeldLookups()
    let fixture = try fixture(lookups)
    let store = fixture.store
    let task = try await commitLargeBatch(to: store, lookups)
    task.cancel()
    lookups.isReleased.raise()
    await #expect(throws: StoreError.cancelled) { try await task.value }
    #expect(lookups.looked.count <= RelatedLookups.sliceCount)
    #expect(try store.countEntries() == 0)
  }
}
