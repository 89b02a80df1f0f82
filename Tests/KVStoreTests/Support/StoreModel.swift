import Base

@testable import KVStore

/// What a store should hold: a dictionary, and which batch wrote what.
struct StoreModel {
  private(set) var values: [[UInt8]: [UInt8]] = [:]
  private(set) var sequences: [[UInt8]: SequenceNumber] = [:]

  mutating func put(_ key: [UInt8], _ value: [UInt8], at sequence: SequenceNumber) {
    values[key] = value
    sequences[key] = sequence
  }

  mutating func delete(_ key: [UInt8]) {
    values[key] = nil
    sequences[key] = nil
  }

  mutating func deleteRange(_ range: KeyRange) {
    for key in values.keys where range.contains(key.rawSpan) { delete(key) }
  }

  func keys(in range: KeyRange, reverse: Bool = false, limit: Int = .max) -> [[UInt8]] {
    let sorted = values.keys.filter { range.contains($0.rawSpan) }
      .sorted { $0.lexicographicallyPrecedes($1) }
    return Array((reverse ? sorted.reversed() : sorted).prefix(limit))
  }

  /// Carries out `step` as a batch with `sequence` would.
  mutating func apply(_ steps: [Step], at sequence: SequenceNumber) {
    for step in steps {
      switch step {
      case .put(let key, let value): put(key, value, at: sequence)
      case .delete(let key): delete(key)
      case .deleteRange(let range): deleteRange(range)
      }
    }
  }

  enum Step {
    case put([UInt8], [UInt8])
    case delete([UInt8])
    case deleteRange(KeyRange)
  }
}

extension Batch {
  init(_ steps: [StoreModel.Step]) throws(StoreError) {
    self.init()
    for step in steps {
      switch step {
      case .put(let key, let value): try put(key, value)
      case .delete(let key): try delete(key)
      case .deleteRange(let range): try deleteRange(range)
      }
    }
  }
}

/// Keys that are alike, so that ranges and prefixes matter: short ones of few different bytes.
struct StepGenerator {
  var random: SeededGenerator
  private static let letters: [UInt8] = [0, 1, 0x61, 0x62, 0x7B, 0x7D, 0xFE, 0xFF]

  mutating func key() -> [UInt8] {
    let count = Int.random(in: 0...4, using: &random)
    return (0..<count).map { _ in Self.letters.randomElement(using: &random)! }
  }

  mutating func value() -> [UInt8] {
    let isLarge = Int.random(in: 0..<40, using: &random) == 0
    let count = isLarge ? 9000 : Int.random(in: 0...60, using: &random)
    return Array(repeating: UInt8.random(in: 0...255, using: &random), count: count)
  }

  mutating func range() -> KeyRange {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return .prefix(key())
    case 1: return KeyRange(from: key())
    default:
      let bounds = [key(), key()].sorted { $0.lexicographicallyPrecedes($1) }
      return KeyRange(from: bounds[0], to: bounds[1])
    }
  }

  mutating func step() -> StoreModel.Step {
    switch Int.random(in: 0..<24, using: &random) {
    case 0: return .deleteRange(range())
    case 1..<6: return .delete(key())
    default: return .put(key(), value())
    }
  }

  mutating func steps() -> [StoreModel.Step] {
    let count = Int.random(in: 1...12, using: &random)
    return (0..<count).map { _ in step() }
  }
}
