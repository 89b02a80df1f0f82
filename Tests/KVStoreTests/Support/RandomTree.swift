import Base

@testable import KVStore

/// Entries that make every kind of page: long and short keys, values within leaves and beside them.
enum RandomTree {
  /// Keys of every length, many of them with long common beginnings, and zeros at their ends.
  static func key(_ random: inout SeededGenerator) -> [UInt8] {
    let number = Int.random(in: 0..<3000, using: &random)
    switch number % 5 {
    case 0: return [UInt8](repeating: 0, count: number % 12)
    case 1: return Array("key:0000000\(number)".utf8)
    case 2: return Array("a long beginning that all of these have \(number)".utf8)
    case 3: return [UInt8](repeating: UInt8(number % 256), count: number % 501)
    default: return Array("\(number)".utf8) + [UInt8](repeating: 0, count: number % 3)
    }
  }

  static func value(_ random: inout SeededGenerator) -> [UInt8] {
    let counts = [0, 1, 24, 100, 1000, 2000, 3000, 5000, 20_000]
    let most = counts[Int.random(in: 0..<counts.count, using: &random)]
    return random.bytes(count: Int.random(in: 0...most, using: &random))
  }

  /// Puts and deletes what `random` says; `model` follows.
  static func change(
    _ environment: LMDBEnvironment, _ model: inout [[UInt8]: [UInt8]], count: Int,
    _ random: inout SeededGenerator
  ) throws {
    var generator = random
    var entries = model
    try environment.write { transaction throws(StoreError) in
      for _ in 0..<count {
        let key = key(&generator)
        if Int.random(in: 0..<3, using: &generator) == 0 {
          try transaction.delete(.data, [0] + key)
          entries[key] = nil
        } else {
          let value = value(&generator)
          if Bool.random(using: &generator) {
            try transaction.put(.data, [0] + key, value)
          } else {
            try transaction.reserve(([0] + key).rawSpan, byteCount: value.count) { room in
              room.withUnsafeMutableBytes { unsafe $0.copyBytes(from: value) }
            }
          }
          entries[key] = value
        }
      }
    }
    (random, model) = (generator, entries)
  }

  /// Changes single bytes of a sound file, many at the beginnings of pages. LMDB's records of its databases are
  /// left alone, which are in pages of few entries: it must find the tree before the tree can be looked at.
  static func damaged(_ sound: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    let pages = (2..<sound.count / 4096).map { $0 * 4096 }.filter {
      sound[$0 + 10] != 2 || sound[$0 + 12] > 16 + 2 * 3 || sound[$0 + 13] > 0
    }
    var file = sound
    for _ in 0..<200 {
      let page = pages[Int.random(in: 0..<pages.count, using: &random)]
      let place = Int.random(in: 0..<(Bool.random(using: &random) ? 64 : 4096), using: &random)
      file[page + place] = UInt8.random(in: 0...255, using: &random)
    }
    return file
  }
}
