import Foundation
import Testing

@testable import KVStore

/// Random numbers that a seed replays: SplitMix64.
struct ReplayableRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A generator from the seed in `KVD_TEST_SEED`, or from one made up and printed.
  static func announced(_ function: String = #function) -> ReplayableRandom {
    let given = ProcessInfo.processInfo.environment["KVD_TEST_SEED"].flatMap { UInt64($0) }
    let seed = given ?? .random(in: 0..<1 << 32)
    print("\(function): replay with KVD_TEST_SEED=\(seed)")
    return ReplayableRandom(seed: seed)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
  }

  /// Keys made to be confused with one another: few byte values, zeros among them, shared beginnings,
  /// all lengths from none on.
  mutating func awkwardKey() -> [UInt8] {
    let sharedCount = [0, 0, 3, 8, 21][Int.random(in: 0..<5, using: &self)]
    let ownCount = Int.random(in: 0...10, using: &self)
    let values: [UInt8] = [0, 0, 1, 0x7F, 0xFF]
    return [UInt8](repeating: 0x61, count: sharedCount)
      + (0..<ownCount).map { _ in values[Int.random(in: 0..<5, using: &self)] }
  }
}

/// What a memtable should do, in the plainest way: per key all versions, oldest first.
struct MemtableModel {
  struct Entry: Equatable {
    var key: [UInt8]
    var header: EntryHeader
    var value: [UInt8]
  }

  private(set) var versions: [[UInt8]: [Entry]] = [:]

  mutating func insert(_ entry: Entry) {
    versions[entry.key, default: []].append(entry)
  }

  func newest(of key: [UInt8], at sequence: SequenceNumber) -> Entry? {
    versions[key]?.last { $0.header.sequence <= sequence }
  }

  func ordered(at sequence: SequenceNumber) -> [Entry] {
    versions.keys.sorted { $0.lexicographicallyPrecedes($1) }
      .compactMap { newest(of: $0, at: sequence) }
  }
}

extension Memtable {
  func insert(_ entry: MemtableModel.Entry) {
    let address = EntryAddress(.keys, entry.key.span.bytes)
    insert(address, header: entry.header, value: entry.value.span.bytes, hash: hash(of: address))
  }

  func newest(of key: [UInt8], at sequence: SequenceNumber) -> MemtableModel.Entry? {
    let address = EntryAddress(.keys, key.span.bytes)
    return withVersion(at: address, hash: hash(of: address), at: sequence) { header, value in
      header.map { .init(key: key, header: $0, value: copied(value)) }
    }
  }

  func ordered(at sequence: SequenceNumber) -> [MemtableModel.Entry] {
    var cursor = makeCursor(at: sequence)
    cursor.seek(RawSpan())
    var entries: [MemtableModel.Entry] = []
    while let entry = cursor.entry {
      entries.append(entry)
      cursor.next()
    }
    return entries
  }
}

extension MemtableCursor {
  var entry: MemtableModel.Entry? {
    guard isValid else { return nil }
    return withEntry { storedKey, header, value in
      .init(
        key: copied(EntryAddress(storedAs: storedKey).key), header: header, value: copied(value))
    }
  }

  var key: [UInt8]? {
    isValid ? withStoredKey { copied(EntryAddress(storedAs: $0).key) } : nil
  }

  mutating func seek(_ key: [UInt8]) {
    seek(EntryAddress(.keys, key.span.bytes).storedKey.span.bytes)
  }

  mutating func seekBackward(_ key: [UInt8]) {
    seekBackward(EntryAddress(.keys, key.span.bytes).storedKey.span.bytes)
  }

  mutating func seekLast() { seekBackward([UInt8](repeating: 0xFF, count: 600)) }
}

private func copied(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }
