import Glibc
import Synchronization
import Testing
import TxnWAL

@testable import KVStore

/// What happens between the steps of a look-up of one key. Crash points have one handler in a process, so these
/// tests run one after the other, and the handler acts for the thread alone that reads.
@Suite(.serialized) struct LookupOrderTests {
  /// Runs `body`, and `interruption` when this thread is between the steps of a look-up for the `count`th time.
  private static func interrupting<R>(
    at count: Int = 1, _ interruption: @escaping @Sendable () throws -> Void, _ body: () throws -> R
  ) throws -> R {
    let reading = pthread_self()
    let left = Countdown(count)
    CrashPoint.setHandler { point in
      guard point == .lookupBetweenSteps, pthread_equal(pthread_self(), reading) != 0, left.isOver()
      else { return }
      do { try interruption() } catch { Issue.record(error) }
    }
    defer { CrashPoint.setHandler(nil) }
    let result = try body()
    #expect(left.wasOver)
    return result
  }

  /// A value was read already. Between the steps of the next read a range delete hides it, and apply, which leaves
  /// out what that hides, drops the memtable with it: below lies an older value only.
  @Test func `a read never finds a value older than one read before, nor nothing in its place`()
    throws
  {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    let store = fixture.store
    try store.put(bytes("key"), bytes("oldest"))
    try store.checkpoint()
    try store.put(bytes("key"), bytes("newer"))
    let reader = store.makeReader()
    defer { reader.close() }
    #expect(try reader.value("key") == bytes("newer"))
    let value = try Self.interrupting {
      var batch = Batch()
      try batch.deletePrefix(bytes("key"))
      try batch.put(bytes("key"), bytes("newest"))
      try store.commit(batch)
      try store.checkpoint()
    } _: {
      try reader.value("key")
    }
    #expect(value == bytes("newer") || value == bytes("newest"))
    #expect(try reader.value("key") == bytes("newest"))
  }

  @Test(arguments: [false, true])
  func `so does the sequence of a key, whether the reader has a view of old or begins anew`(
    anew: Bool
  ) throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    let store = fixture.store
    try store.put(bytes("key"), bytes("oldest"))
    try store.checkpoint()
    let newer = try store.put(bytes("key"), bytes("newer"))
    let reader = store.makeReader()
    defer { reader.close() }
    #expect(try reader.sequence(of: bytes("key").rawSpan) == newer)
    if anew { reader.end() }
    let found = try Self.interrupting {
      try store.deletePrefix(bytes("k"))
      try store.put(bytes("key"), bytes("newest"))
      try store.checkpoint()
    } _: {
      try reader.sequence(of: bytes("key").rawSpan)
    }
    #expect(found >= newer)
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
    // The first time is in the look-up itself.
    let watch = try Self.interrupting(at: 2) {
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

private final class Countdown: Sendable {
  private let left: Atomic<Int>

  init(_ count: Int) { left = Atomic(count) }

  func isOver() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }

  var wasOver: Bool { left.load(ordering: .relaxed) <= 0 }
}
