import Base

/// Keys by the ten thousand, which one client alone writes, so that range deletes need many chunks.
///
/// Histories of so many keys would take too long to judge. One connection that pipelines its changes
/// has a stronger law: what survives is what a prefix of them makes, with all that was acknowledged
/// in it. So the model is one array and the changes since.
final class Bulk: Sendable {
  static let keyCount = 40_000
  static let prefix = "bulk:"

  /// Numbers of keys, from the first up to the one behind the last, and what becomes of them.
  struct Change {
    var keys: Range<Int>
    /// 0 deletes them.
    var generation: Int32
  }

  private struct State {
    /// As of the round's start.
    var settled: [Int32]
    var changes: [Change] = []
    var acknowledgedCount = 0
    /// With all changes, and how many keys there were after each number of them.
    var newest: [Int32]
    var counts = [0]
    var nextGeneration: Int32 = 1
  }

  private let state: Lock<State>

  init() {
    let none = [Int32](repeating: 0, count: Self.keyCount)
    state = Lock(State(settled: none, newest: none))
  }

  static func name(_ index: Int) -> String {
    let digits = String(index)
    return prefix + String(repeating: "0", count: 5 - digits.count) + digits
  }

  static func number(of name: [UInt8]) -> Int? {
    guard name.count == 10, name.starts(with: prefix.utf8) else { return nil }
    var number = 0
    for byte in name[5...] {
      guard (48...57).contains(byte) else { return nil }
      number = number * 10 + Int(byte - 48)
    }
    return number < keyCount ? number : nil
  }

  /// Key and generation, and bytes that hang on both.
  static func value(_ index: Int, _ generation: Int32) -> [UInt8] {
    let sum = Random.mix(UInt64(index) << 32 | UInt64(generation))
    let digits = Array("\(generation)/\(index)/".utf8)
    let letter = UInt8(ascii: "a") + UInt8(sum % 26)
    return digits + [UInt8](repeating: letter, count: Int(sum >> 8 & 0x7F))
  }

  /// The generation that a value is of; nil if it is none of this key.
  static func generation(of bytes: [UInt8], key: Int) -> Int32? {
    var generation: Int32 = 0
    for byte in bytes.prefix(9) {
      guard (48...57).contains(byte) else { break }
      generation = generation * 10 + Int32(byte - 48)
    }
    return generation > 0 && bytes == value(key, generation) ? generation : nil
  }

  // MARK: The writer and its readers

  func takeGeneration() -> Int32 {
    state.withLock { state in
      state.nextGeneration += 1
      return state.nextGeneration
    }
  }

  /// To be called before the request goes.
  func send(_ change: Change) {
    state.withLock { state in
      state.changes.append(change)
      var count = state.counts.last!
      for key in change.keys {
        if state.newest[key] != 0 { count -= 1 }
        if change.generation != 0 { count += 1 }
        state.newest[key] = change.generation
      }
      state.counts.append(count)
    }
  }

  /// The reply to the oldest change without one has come.
  func acknowledge() { state.withLock { $0.acknowledgedCount += 1 } }

  var acknowledgedCount: Int { state.withLock { $0.acknowledgedCount } }

  /// Whether so many keys are possible for a cut made since `acknowledgedCount` was `first`.
  func allows(count: Int, since first: Int) -> Bool {
    state.withLock { $0.counts[first...].contains(count) }
  }

  /// With all changes that were sent.
  var newest: [Int32] { state.withLock { $0.newest } }

  // MARK: Judging

  /// Begins a round from what was found, which must be what some prefix of the changes made. Nil if it
  /// is; else what is wrong.
  func settle(_ found: [Int32]) -> String? {
    state.withLock { state in
      var expected = state.settled
      var fewest = Int.max
      var example = ""
      for count in 0...state.changes.count {
        if count > 0 {
          let change = state.changes[count - 1]
          for key in change.keys { expected[key] = change.generation }
        }
        if count < state.acknowledgedCount { continue }
        if expected == found {
          state.settled = found
          state.newest = found
          state.changes = []
          state.acknowledgedCount = 0
          state.counts = [found.count { $0 != 0 }]
          return nil
        }
        let wrong = found.indices.filter { expected[$0] != found[$0] }
        if wrong.count < fewest, let key = wrong.first {
          fewest = wrong.count
          example =
            "after \(count) of them \(wrong.count) keys are wrong: \(Self.name(key)) is of generation "
            + "\(found[key]), not \(expected[key]); last change \(state.changes.prefix(count).last.map { "\($0)" } ?? "none")"
        }
      }
      return
        "no number of the \(state.changes.count) changes of bulk keys, \(state.acknowledgedCount) of them "
        + "acknowledged, explains what is there; \(example)"
    }
  }
}
