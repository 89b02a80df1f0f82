import Base
import Glibc
import Synchronization
import Testing

@testable import KVStore

/// What happens between the steps of a look-up of one key. Crash points have one handler in a process, so these
/// tests run one after the other, and the handler acts for the thread alone that reads.
@Suite(.serialized) struct LookupOrderTests {
  /// Runs `body`, and `interruption` when this thread comes to `place` for the first time.
  ///
  /// - Parameter held: other threads wait there, until `released` is raised or `body` is done. As a rule no range
  ///   delete is carried out meanwhile, and what it hides is still below.
  private static func interrupting<R>(
    at place: CrashPoint = .lookupBetweenSteps, holding held: CrashPoint = .purgeBeforeChunk,
    until released: Flag = Flag(), _ interruption: @escaping @Sendable () throws -> Void,
    _ body: () throws -> R
  ) throws -> R {
    let reading = pthread_self()
    let left = Once()
    let isOver = Flag()
    CrashPoint.setHandler { point in
      switch point {
      case held:
        while !released.isRaised, !isOver.isRaised { usleep(500) }
      case place:
        guard pthread_equal(pthread_self(), reading) != 0, left.isOver() else { return }
        do { try interruption() } catch { Issue.record(error) }
      default: break
      }
    }
    defer {
      isOver.raise()
      CrashPoint.setHandler(nil)
    }
    let result = try body()
    #expect(left.wasOver)
    return result
  }

  private static func makeStore() throws -> (fixture: StoreFixture, newer: SequenceNumber) {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    try fixture.store.put(bytes("key"), bytes("oldest"))
    try fixture.store.checkpoint()
    return (fixture, try fixture.store.put(bytes("key"), bytes("newer")))
  }

  /// A value was read already. Between the steps of the next read a range delete hides it, and apply, which leaves
  /// out what that hides, drops the memtable with it: below lies an older value only.
  @Test(arguments: [false, true])
  func `a read never finds a value older than one read before`(anew: Bool) throws {
    let (fixture, _) = try Self.makeStore()
    let store = fixture.store
    let reader = store.makeReader()
    defer { reader.close() }
    #expect(try reader.value("key") == bytes("newer"))
    if anew { reader.end() }
    let value = try Self.interrupting {
      try store.deletePrefix(bytes("k"))
      try store.checkpoint()
    } _: {
      try reader.value("key")
    }
    #expect(value == bytes("newer") || value == nil)
    #expect(try reader.value("key") == nil)
  }

  @Test(arguments: [false, true])
  func `so it is with the sequence of a key`(anew: Bool) throws {
    let (fixture, newer) = try Self.makeStore()
    let store = fixture.store
    let reader = store.makeReader()
    defer { reader.close() }
    #expect(try reader.sequence(of: bytes("key").rawSpan) == newer)
    if anew { reader.end() }
    let found = try Self.interrupting {
      try store.deletePrefix(bytes("k"))
      try store.checkpoint()
    } _: {
      try reader.sequence(of: bytes("key").rawSpan)
    }
    #expect(found == newer || found == 0)
    #expect(try reader.sequence(of: bytes("key").rawSpan) == 0)
  }

  private static func replace(_ key: String, by value: String, in store: Store) throws {
    var batch = Batch()
    try batch.deletePrefix(bytes(key))
    try batch.put(bytes(key), bytes(value))
    try store.commit(batch)
  }

  /// The key is never absent. It is replaced twice after the layers were taken, and perhaps the sequence, by batches that
  /// delete it first: once in the memtable that the look-up has, or in a later one, and once in the next. Apply leaves
  /// out the first value, which the second batch deletes, and the range delete of the first takes the oldest out of the
  /// file.
  @Test(arguments: [CrashPoint.lookupBetweenSteps, .lookupBeforeFile], [false, true])
  func `a read finds a key that is replaced before the file is opened`(
    place: CrashPoint, inLater: Bool
  ) throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    let store = fixture.store
    try store.put(bytes("key"), bytes("oldest"))
    try store.checkpoint()
    let reader = store.makeReader()
    defer { reader.close() }
    let mayApply = Flag()
    let value = try Self.interrupting(
      at: place, holding: .applyBeforeTransaction, until: mayApply
    ) {
      if inLater {
        try store.put(bytes("other"), [2])
        store.seal()
      }
      try Self.replace("key", by: "newer", in: store)
      store.seal()
      try Self.replace("key", by: "newest", in: store)
      mayApply.raise()
      // The last one stays, since its memtable is not sealed.
      while store.partitionSet.partitions[0].layers.tombstones.count > 1 { usleep(500) }
    } _: {
      // Until this is applied, so that apply knows of both range deletes when it comes to the next memtable.
      try store.put(bytes("other"), [1])
      store.seal()
      return try reader.value("key")
    }
    #expect(value == bytes("newer") || value == bytes("newest"))
  }

  /// The key was made before the watch began to note the making of keys, and is published and carried into LMDB
  /// after the watch has looked it up and found nothing.
  @Test func `a watch counts a batch that is applied while it begins`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    let store = fixture.store
    let key = bytes("key")
    let receipt = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, key.rawSpan)
    }.receipt
    let reader = store.makeReader()
    defer { reader.close() }
    let watch = try Self.interrupting(at: .watchBetweenSteps) {
      try store.waitUntilDurable(receipt)
      try store.checkpoint()
    } _: {
      try reader.watch(key.rawSpan)
    }
    #expect(watch.sequence == 0)
    try store.delete(key)
    let holds = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.holds(watch, of: key.rawSpan)
    }.result
    #expect(!holds)
  }
}

private final class Once: Sendable {
  private let left = Atomic<Int>(1)

  func isOver() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }

  var wasOver: Bool { left.load(ordering: .relaxed) <= 0 }
}
