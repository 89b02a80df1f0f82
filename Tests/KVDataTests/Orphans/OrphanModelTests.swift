import Base
import Foundation
import KVData
import Testing

@testable import KVStore

/// Maps that are made, renamed, copied, removed by name and by ranges, in batches of several changes, while
/// memtables are sealed and applied and range deletes carried out: in the end the store has the fields of the maps
/// that there are, and no others.
struct OrphanModelTests {
  private typealias Model = [String: [String: [UInt8]]]

  private static let keys = ["a:1", "a:2", "b:1", "b:2", "b:3", "c"]
  private static let prefixes = ["a:", "b:", "a:1", ""]

  private enum Change {
    case set(String, String, [UInt8])
    case string(String)
    case remove(String)
    case removeField(String, String)
    case rename(String, String)
    case copy(String, String)
    case deletePrefix(String)
  }

  private static func change(_ random: inout SeededGenerator) -> Change {
    func key() -> String { keys.randomElement(using: &random)! }
    func field() -> String { ["f", "g", "h"].randomElement(using: &random)! }
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<8: return .set(key(), field(), [UInt8.random(in: 0...255, using: &random)])
    case 8: return .string(key())
    case 9: return .remove(key())
    case 10: return .removeField(key(), field())
    case 11..<14: return .rename(key(), key())
    case 14: return .copy(key(), key())
    default:
      let isAll = Int.random(in: 0..<10, using: &random) == 0
      return .deletePrefix(isAll ? "" : prefixes.dropLast().randomElement(using: &random)!)
    }
  }

  /// A string is a map without fields here.
  private static func apply(_ change: Change, to model: inout Model) {
    switch change {
    case .set(let key, let field, let value):
      if model[key]?.isEmpty == true { return }
      model[key, default: [:]][field] = value
    case .string(let key): model[key] = [:]
    case .remove(let key): model[key] = nil
    case .removeField(let key, let field):
      guard model[key]?.isEmpty == false else { return }
      model[key]?[field] = nil
      if model[key]?.isEmpty == true { model[key] = nil }
    case .rename(let key, let target):
      guard let value = model[key], key != target else { return }
      model[key] = nil
      model[target] = value
    case .copy(let key, let target):
      if let value = model[key] { model[target] = value }
    case .deletePrefix(let prefix): model = model.filter { !$0.key.hasPrefix(prefix) }
    }
  }

  private static func carryOut(
    _ change: Change, in evaluation: inout Evaluation
  ) throws(StoreError) {
    switch change {
    case .set(let key, let field, let value):
      try ifMap(key, &evaluation) { map, evaluation throws(StoreError) in
        _ = try map.set(bytes(field).rawSpan, value.rawSpan, in: &evaluation)
      }
    case .string(let key):
      try Records.replace(bytes(key).rawSpan, with: RawSpan(), in: &evaluation)
    case .remove(let key): try Records.remove(bytes(key).rawSpan, in: &evaluation)
    case .removeField(let key, let field):
      try ifMap(key, &evaluation) { map, evaluation throws(StoreError) in
        _ = try map.delete(bytes(field).rawSpan, in: &evaluation)
      }
    case .rename(let key, let target):
      _ = try Records.rename(bytes(key).rawSpan, to: bytes(target).rawSpan, in: &evaluation)
    case .copy(let key, let target):
      _ = try Records.copy(bytes(key).rawSpan, to: bytes(target).rawSpan, in: &evaluation)
    case .deletePrefix(let prefix): try evaluation.deleteRange(.prefix(bytes(prefix)))
    }
  }

  private static func ifMap(
    _ key: String, _ evaluation: inout Evaluation,
    _ body: (inout MapEdit, inout Evaluation) throws(StoreError) -> Void
  ) throws(StoreError) {
    do throws(StoreError) {
      try evaluation.editMap(at: bytes(key).rawSpan, body)
    } catch .wrongType {
    } catch {
      throw error
    }
  }

  @Test(arguments: 0..<12)
  func `fields there are of those maps alone that there are`(number: UInt64) throws {
    let seed = testSeed() &+ number
    var random = SeededGenerator(seed: seed)
    let fixture = try DataFixture { options in
      options.partitionCount = [1, 4][Int(number % 2)]
      options.applyEntryLimit = [1, 3, 1000][Int(number % 3)]
      options.purgeKeyLimit = [1, 5][Int(number / 2 % 2)]
    }
    var model: Model = [:]
    for _ in 0..<250 {
      let changes = (0..<Int.random(in: 1...4, using: &random)).map { _ in Self.change(&random) }
      for change in changes { Self.apply(change, to: &model) }
      _ = try fixture.write { evaluation throws(StoreError) in
        for change in changes { try Self.carryOut(change, in: &evaluation) }
      }
      switch Int.random(in: 0..<30, using: &random) {
      case 0..<4: fixture.store.seal()
      case 4: try fixture.store.checkpoint()
      case 5: try fixture.waitUntilPurged()
      case 6, 7: try fixture.removeOrphans()
      case 8: try fixture.reopen()
      default: break
      }
    }
    try fixture.waitUntilPurged()
    try fixture.removeOrphans()
    try fixture.waitUntilPurged()
    for key in Self.keys where model[key]?.isEmpty != true {
      var found: [String: [UInt8]] = [:]
      for entry in try fixture.map(key).contents() {
        found[String(decoding: entry.field, as: UTF8.self)] = entry.value
      }
      #expect(found == model[key] ?? [:], "seed \(seed)")
    }
    #expect(
      try fixture.fieldCount() == model.values.reduce(0) { $0 + $1.count }, "seed \(seed)")
    #expect(try fixture.orphans().isEmpty)
    #expect(try fixture.check().isSound, "seed \(seed)")
  }
}
