import CLMDB
import Foundation
import Testing

@testable import KVStore

/// Pages that LMDB asserts something of which is no longer so. An assertion that fails would end the
/// process, and with it these tests.
@Suite struct PageDamageTests {
  /// What becomes of a page of 4096 bytes.
  enum Damage: CaseIterable {
    case zeroedPage, zeroedHeader, emptied, emptiedBranch, anotherPage, zeroedSector, garbage

    /// Whether LMDB sees by itself that the page is none. What looks like a sound page with other keys
    /// makes it say that a key is absent; it has no checksums.
    var isAlwaysSeen: Bool { self == .zeroedPage || self == .zeroedHeader }

    /// LMDB moves bytes within a page as the page itself tells it to, so writing to one that only looks
    /// sound reaches for whatever the page names.
    var mayBeWrittenTo: Bool { isAlwaysSeen || self == .anotherPage || self == .emptiedBranch }
  }

  private static let asserted = LMDBStatus.text(KVD_MDB_ASSERTED)
  private static let abandoned = LMDBStatus.text(KVD_MDB_ABANDONED)
  private static let keyCount = 4000
  private static func key(_ number: Int) -> [UInt8] { bytes("key \(number)") }
  private static func value(_ number: Int) -> [UInt8] {
    bytes("value of \(number)") + [UInt8](repeating: 7, count: 200)
  }

  /// A closed store of one partition, three levels deep where it counts.
  private static func made() throws -> StoreFixture {
    let fixture = try StoreFixture {
      $0.partitionCount = 1
      $0.segmentByteCount = 64 << 10
    }
    var batch = Batch()
    for number in 0..<keyCount { try batch.put(key(number), value(number)) }
    try fixture.store.commit(batch)
    try fixture.close()
    return fixture
  }

  /// Damages some pages of the tree of keys. Returns how many.
  private static func damage(
    _ file: inout [UInt8], _ damage: Damage, _ random: inout SeededGenerator
  ) -> Int {
    var count = 0
    let pageCount = file.count / 4096
    for page in 2..<pageCount where Int.random(in: 0..<3, using: &random) == 0 {
      let start = page * 4096
      let flags = Int(file[start + 10]) | Int(file[start + 11]) << 8
      let entryCount = (Int(file[start + 12]) | Int(file[start + 13]) << 8) / 2 - 8
      // A leaf of many entries, or a branch: the records beside the data have neither.
      guard flags == 1 || flags == 2 && entryCount > 10 else { continue }
      switch damage {
      case .zeroedPage:
        file.replaceSubrange(start..<start + 4096, with: repeatElement(0, count: 4096))
      case .zeroedHeader: for place in start + 8..<start + 16 { file[place] = 0 }
      case .emptied:
        file[start + 12] = 16
        file[start + 13] = 0
      case .emptiedBranch:
        if flags != 1 { continue }
        file[start + 12] = 18
        file[start + 13] = 0
      case .anotherPage:
        let other = Int.random(in: 2..<pageCount, using: &random) * 4096
        let bytes = Array(file[other + 8..<other + 4096])
        file.replaceSubrange(start + 8..<start + 4096, with: bytes)
      case .zeroedSector:
        let sector = start + 512 * Int.random(in: 0..<8, using: &random)
        file.replaceSubrange(sector..<sector + 512, with: repeatElement(0, count: 512))
      case .garbage:
        for place in start..<start + 4096 { file[place] = .random(in: 0...255, using: &random) }
      }
      count += 1
    }
    return count
  }

  /// Opens a store with the damage of `seed` in it, and reads and writes all over it. Returns what was
  /// thrown.
  private func run(_ damage: Damage, seed: UInt64, _ made: StoreFixture) throws -> [StoreError] {
    var random = SeededGenerator(seed: seed)
    let directory = TemporaryDirectory()
    let path = directory.path + "/store"
    try FileManager.default.copyItem(atPath: made.directory.path, toPath: path)
    var file = contents(path + "/partition-0000/data.mdb")
    guard Self.damage(&file, damage, &random) > 0 else { return [] }
    // Places in a page are 16 bits wide: what is damaged may point that far behind it, and there must be
    // something there.
    file += [UInt8](repeating: 0, count: 256 << 10)
    write(file, to: path + "/partition-0000/data.mdb")
    var errors: [StoreError] = []
    let store: Store
    do throws(StoreError) {
      store = try Store.open(at: path, options: made.options)
    } catch {
      return [error]
    }
    // Damage that a read has met keeps writes away: every other time they come first.
    let writesFirst = damage.mayBeWrittenTo && seed % 2 == 0
    if writesFirst { errors += change(store, &random) }
    for number in 0..<Self.keyCount {
      do throws(StoreError) {
        let found = try store.get(Self.key(number))
        let mayBeAbsent = !damage.isAlwaysSeen || writesFirst && number % 3 == 0
        if found == nil && !mayBeAbsent || found != nil && found != Self.value(number) {
          Issue.record("seed \(seed): \(damage): key \(number) is \(String(describing: found))")
        }
      } catch {
        errors.append(error)
      }
    }
    for reverse in [false, true] {
      do throws(StoreError) {
        for (key, value) in try store.scan(.everything, reverse: reverse, limit: .max) {
          #expect(value.dropFirst(9).starts(with: key.dropFirst(4)), "seed \(seed): \(damage)")
        }
      } catch {
        errors.append(error)
      }
    }
    if damage.mayBeWrittenTo && !writesFirst { errors += change(store, &random) }
    do throws(StoreError) { try store.close() } catch { errors.append(error) }
    return errors
  }

  private func change(_ store: Store, _ random: inout SeededGenerator) -> [StoreError] {
    var errors: [StoreError] = []
    do throws(StoreError) {
      var batch = Batch()
      for number in 0..<Self.keyCount where Bool.random(using: &random) {
        try number % 3 == 0
          ? batch.delete(Self.key(number)) : batch.put(Self.key(number), Self.value(number))
      }
      try store.commit(batch)
      try store.checkpoint()
    } catch {
      errors.append(error)
    }
    return errors
  }

  @Test(arguments: Damage.allCases)
  func `a page that is none is an error or a right answer, and never the end`(damage: Damage) throws
  {
    let made = try Self.made()
    var assertions = (reading: 0, writing: 0)
    var findings = 0
    for seed in 1...UInt64(24) {
      for error in try run(damage, seed: seed, made) {
        switch error {
        case .corrupted(let finding):
          findings += 1
          if finding.found == Self.asserted { assertions.reading += 1 }
          if finding.found == Self.abandoned { assertions.writing += 1 }
        case .readOnly: break
        default: Issue.record("seed \(seed): \(damage): \(error)")
        }
      }
    }
    #expect(findings > 0)
    // The guard was needed.
    if [.emptied, .emptiedBranch, .garbage].contains(damage) { #expect(assertions.reading > 0) }
    if damage == .emptiedBranch { #expect(assertions.writing > 0) }
  }
}
