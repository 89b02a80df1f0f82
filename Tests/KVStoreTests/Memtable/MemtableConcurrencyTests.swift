import Base
import Foundation
import Synchronization
import Testing

@testable import KVStore

/// One thread inserts and publishes sequences, others read meanwhile. At sequence `s` the writer rewrites
/// key `s % keyCount`, so a reader can tell from a sequence alone which version of each key it must see.
@Suite struct MemtableConcurrencyTests {
  private static let keyCount: SequenceNumber = 3000
  private static let lastSequence: SequenceNumber = 30_000

  private final class Shared: Sendable {
    let memtable = Memtable(hash: KeyHash(seed: 9))
    let published = Atomic<SequenceNumber>(0)
    let lookupCount = Atomic(0)
    let walkCount = Atomic(0)
  }

  @Test func `readers beside a writer see whole values, and all up to the published sequence`() {
    let shared = Shared()
    let threads = [
      thread { Self.write(shared) },
      thread { Self.look(shared, seed: 1) },
      thread { Self.walk(shared) },
      thread { Self.walk(shared) },
    ]
    for thread in threads { thread.wait() }
    #expect(shared.published.load(ordering: .acquiring) == Self.lastSequence)
    #expect(shared.lookupCount.load(ordering: .relaxed) > 0)
    #expect(shared.walkCount.load(ordering: .relaxed) > 0)
    #expect(shared.memtable.keyCount == Int(Self.keyCount))
  }

  /// Story: a sealed memtable was put in order under the lock that event loops take for a cursor.
  @Test func `cursors are made while all keys are put in order`() throws {
    let memtable = Memtable(hash: KeyHash(seed: 4))
    // Two runs, each of which alone would be there in no time; all keys together take a while.
    for numbers in [0..<200_000, 200_000..<250_000] as [Range<SequenceNumber>] {
      for number in numbers {
        let key = Self.key(number &* 7919 % 1_000_003)
        memtable.insert(
          .init(key: key, header: EntryHeader(sequence: 1, kind: .put), value: []))
      }
      _ = memtable.makeCursor(at: 1)
    }
    let isOrdering = Flag()
    let isOrdered = Flag()
    let count = Atomic(0)
    try inThreads(2) { index in
      if index == 0 {
        isOrdering.raise()
        memtable.order()
        isOrdered.raise()
        return
      }
      while !isOrdering.isRaised {}
      while !isOrdered.isRaised {
        var cursor = memtable.makeCursor(at: 1)
        cursor.seek(RawSpan())
        #expect(cursor.isValid)
        if !isOrdered.isRaised { count.add(1, ordering: .relaxed) }
      }
    }
    // With the lock held it would be one or two, made before it was taken.
    #expect(count.load(ordering: .relaxed) > 50)
    #expect(memtable.ordered(at: 1).count == memtable.keyCount)
  }

  private static func write(_ shared: Shared) {
    for sequence in 1...lastSequence {
      let key = key(sequence % keyCount)
      shared.memtable.insert(
        .init(
          key: key, header: EntryHeader(sequence: sequence, kind: .put, expiry: ~sequence),
          value: value(sequence)))
      shared.published.store(sequence, ordering: .releasing)
    }
  }

  private static func look(_ shared: Shared, seed: UInt64) {
    var random = ReplayableRandom(seed: seed)
    var sequence: SequenceNumber = 0
    while sequence < lastSequence {
      sequence = shared.published.load(ordering: .acquiring)
      for _ in 0..<100 {
        let number = SequenceNumber.random(in: 0..<keyCount, using: &random)
        let expected = newest(number, at: sequence)
        guard check(shared.memtable.newest(of: key(number), at: sequence), is: expected) else {
          return
        }
        shared.lookupCount.add(1, ordering: .relaxed)
      }
    }
  }

  private static func walk(_ shared: Shared) {
    var sequence: SequenceNumber = 0
    while sequence < lastSequence {
      sequence = shared.published.load(ordering: .acquiring)
      let entries = shared.memtable.ordered(at: sequence)
      let expected = (0..<keyCount).compactMap { number in
        newest(number, at: sequence).map { (key: key(number), sequence: $0) }
      }
      #expect(entries.map(\.key) == expected.map(\.key))
      guard entries.count == expected.count else { return }
      for (entry, expected) in zip(entries, expected) {
        guard check(entry, is: expected.sequence) else { return }
      }
      shared.walkCount.add(1, ordering: .relaxed)
    }
  }

  /// The sequence that last wrote key `number`, at or below `sequence`.
  private static func newest(_ number: SequenceNumber, at sequence: SequenceNumber)
    -> SequenceNumber?
  {
    guard sequence >= number else { return nil }
    let newest = sequence - (sequence - number) % keyCount
    return newest == 0 ? nil : newest
  }

  private static func check(_ entry: MemtableModel.Entry?, is sequence: SequenceNumber?) -> Bool {
    let isRight =
      entry?.header.sequence == sequence
      && (sequence.map { entry?.value == value($0) && entry?.header.expiry == ~$0 } ?? true)
    if !isRight {
      Issue.record(
        "expected sequence \(String(describing: sequence)), found \(String(describing: entry))")
    }
    return isRight
  }

  /// Numbers in key order, so that a walk can be predicted.
  private static func key(_ number: SequenceNumber) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  /// Bytes that only this sequence has, of a length of its own: a torn value is none of them.
  private static func value(_ sequence: SequenceNumber) -> [UInt8] {
    var random = ReplayableRandom(seed: sequence)
    return random.bytes(Int(sequence % 61))
  }

  private final class Running: Sendable {
    let isDone = DispatchSemaphore(value: 0)

    func wait() { isDone.wait() }
  }

  private func thread(_ body: @escaping @Sendable () -> Void) -> Running {
    let running = Running()
    Thread {
      body()
      running.isDone.signal()
    }.start()
    return running
  }
}
