import Base
import Foundation
import Testing

@testable import KVStore

/// A page of one partition's tree that is no page any more.
@Suite struct PartitionDamageTests {
  /// A closed store of two partitions with many leaves each, and keys known to lie in either.
  private struct Store2 {
    let fixture: StoreFixture
    var keys: [[[UInt8]]] = [[], []]

    init() throws {
      fixture = try StoreFixture { $0.partitionCount = 2 }
      var batch = Batch()
      for number in 0..<2000 {
        let key = bytes("key \(number)")
        try batch.put(key, bytes("value \(number)"))
        keys[fixture.store.partition(of: key)].append(key)
      }
      try fixture.store.commit(batch)
    }

    /// Zeroes the leaf pages of partition 0, but for one, where `keepsFirst`.
    func damageLeaves(keepingFirst: Bool = false) throws {
      let path = "\(fixture.directory.path)/partition-0000/data.mdb"
      let damaged = LeafDamage.zeroLeaves(path, keeping: keepingFirst ? 1 : 0)
      #expect(damaged > 5)
    }
  }

  private func damaged() throws -> Store2 {
    let made = try Store2()
    try made.fixture.reopen { try made.damageLeaves(keepingFirst: true) }
    return made
  }

  private func errors(_ keys: [[UInt8]], _ store: Store) -> [[UInt8]: StoreError] {
    var errors: [[UInt8]: StoreError] = [:]
    for key in keys {
      do throws(StoreError) { _ = try store.get(key) } catch { errors[key] = error }
    }
    return errors
  }

  @Test func `damaged pages are errors of their keys, are counted, and all others are read`()
    throws
  {
    let made = try damaged()
    let store = made.fixture.store
    #expect(errors(made.keys[1], store).isEmpty)
    let found = errors(made.keys[0], store)
    #expect(!found.isEmpty && found.count < made.keys[0].count)
    for error in found.values {
      guard case .corrupted(let finding) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(finding.file.hasSuffix("partition-0000/data.mdb"))
    }
    #expect(try store.statistics().corruptedReadCount >= found.count)
  }

  /// LMDB answers nothing more in a view in which a read has failed, not even for sound pages.
  @Test func `in one view a damaged key keeps no other from being read`() throws {
    let made = try damaged()
    let store = made.fixture.store
    let expected = Set(errors(made.keys[0], store).keys)
    let reader = store.makeReader()
    let snapshot = try store.snapshot()
    defer {
      reader.close()
      snapshot.close()
    }
    var failed: [Set<[UInt8]>] = [[], []]
    for key in made.keys[0] {
      do throws(StoreError) {
        let isThere = try reader.withValue(of: key.rawSpan) { $0 != nil }
        #expect(isThere)
      } catch {
        failed[0].insert(key)
      }
      do throws(StoreError) {
        #expect(try snapshot.get(key) != nil)
      } catch {
        failed[1].insert(key)
      }
    }
    #expect(!expected.isEmpty && expected.count < made.keys[0].count)
    #expect(failed == [expected, expected])
  }

  @Test func `a damaged partition takes no more writes, and the others go on`() throws {
    let made = try damaged()
    let store = made.fixture.store
    #expect(try store.statistics().readOnlyPartitions.isEmpty)
    let found = errors(made.keys[0], store)
    #expect(try store.statistics().readOnlyPartitions == [0])
    let key = try #require(made.keys[0].first { found[$0] == nil })
    let error = #expect(throws: StoreError.self) { try store.put(key, [1]) }
    guard case .readOnly(let path, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(path.hasSuffix("partition-0000/data.mdb"))
    #expect(throws: StoreError.self) { try store.deleteRange(.everything) }
    #expect(try store.get(key) != nil)
    try store.put(made.keys[1][0], bytes("new"))
    #expect(try store.get(made.keys[1][0]) == bytes("new"))
    try store.checkpoint()
    #expect(store.poisoned == nil)
  }

  @Test func `damage that only carrying down meets keeps what was acknowledged`() throws {
    let made = try damaged()
    let store = made.fixture.store
    var batch = Batch()
    for key in made.keys[0] { try batch.put(key, bytes("newer")) }
    try store.commit(batch)
    try store.put(made.keys[1][0], bytes("newer"))
    let error = #expect(throws: StoreError.self) { try store.checkpoint() }
    guard case .corrupted = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(store.poisoned == nil)
    #expect(try store.statistics().readOnlyPartitions == [0])
    for key in made.keys[0] + [made.keys[1][0]] { #expect(try store.get(key) == bytes("newer")) }
    try store.put(made.keys[1][1], bytes("later"))
    // The log still has it all after a close that could not carry it down.
    #expect(throws: StoreError.self) { try store.close() }
    let again = try Store.open(at: made.fixture.directory.path, options: made.fixture.options)
    defer { try? again.close() }
    for key in made.keys[0] { #expect(try again.get(key) == bytes("newer")) }
    #expect(try again.get(made.keys[1][1]) == bytes("later"))
  }
}

/// Damage to the pages of an LMDB file, made on purpose.
enum LeafDamage {
  /// Zeroes the headers of all leaf pages that hold entries of users, but for `keeping` of them and the last in
  /// key order, which is read when the store is opened. Returns how many.
  static func zeroLeaves(_ path: String, keeping: Int, from first: Int = 2) -> Int {
    var file = contents(path)
    let leaves = (first..<file.count / 4096).map { $0 * 4096 }
      .compactMap { start in lastKey(of: start, in: file).map { (start: start, lastKey: $0) } }
    let greatest = leaves.map(\.lastKey).max { $0.lexicographicallyPrecedes($1) }
    let damaged = leaves.filter { $0.lastKey != greatest }.dropFirst(keeping)
    for leaf in damaged {
      for place in leaf.start + 8..<leaf.start + 16 { file[place] = 0 }
    }
    write(file, to: path)
    return damaged.count
  }

  /// The last stored key of the page at `start` if it is a leaf with many entries (only the tree of data has
  /// such) that are all of users.
  private static func lastKey(of start: Int, in file: [UInt8]) -> [UInt8]? {
    func number(at offset: Int) -> Int { Int(file[offset]) | Int(file[offset + 1]) << 8 }
    let lower = number(at: start + 12)
    guard number(at: start + 10) == 2, lower > 16 + 2 * 10 else { return nil }
    let node = start + number(at: start + lower - 2)
    let key = Array(file[node + 8..<node + 8 + number(at: node + 6)])
    return key.first == Keyspace.keys.rawValue ? key : nil
  }
}
