import Base

/// Where SCAN goes on: numbers that stand for the last key returned.
///
/// Redis clients know cursors only as unsigned integers, while the place in an ordered store is a
/// key. The table is bounded: the cursor unused for longest is forgotten when it is full, and
/// whoever comes back with it is told to begin again. A cursor may be used more than once, as a client
/// that lost a reply will. Numbers begin at a random place, so that one handed out before a restart is
/// unknown rather than somebody else's.
final class ScanCursors: Sendable {
  private struct Entry {
    let key: [UInt8]
    var usedAt: UInt64
  }

  private struct State {
    var entries: [UInt64: Entry] = [:]
    var next: UInt64
    var clock: UInt64 = 0
  }

  private let capacity: Int
  private let state: Lock<State>

  init(capacity: Int = 4096, first: UInt64 = .random(in: 1...(1 << 46))) {
    precondition(capacity > 0 && first > 0)
    self.capacity = capacity
    state = Lock(State(next: first))
  }

  /// The number that a client's cursor spells, by the rules of strtoul(3), which Redis goes by: nothing at all is
  /// zero, a sign is taken, and everything ends with the first zero byte. Nil for anything else.
  static func parse(_ text: RawSpan) -> UInt64? {
    var offset = 0
    var isNegative = false
    var value: UInt64 = 0
    var digitCount = 0
    while offset < text.byteCount, text.byte(at: offset) != 0 {
      let byte = text.byte(at: offset)
      if offset == 0, byte == 0x2B || byte == 0x2D {
        isNegative = byte == 0x2D
      } else {
        guard byte &- 0x30 < 10 else { return nil }
        let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
        let (sum, carried) = product.addingReportingOverflow(UInt64(byte &- 0x30))
        guard !overflowed, !carried else { return nil }
        value = sum
        digitCount += 1
      }
      offset += 1
    }
    guard digitCount > 0 || offset == 0 else { return nil }
    return isNegative ? 0 &- value : value
  }

  /// A cursor that stands for `key`.
  ///
  /// Complexity: O(1), O(capacity) when an old one must go.
  func remember(_ key: [UInt8]) -> UInt64 {
    state.withLock { state in
      if state.entries.count >= capacity,
        let oldest = state.entries.min(by: { $0.value.usedAt < $1.value.usedAt })
      {
        state.entries.removeValue(forKey: oldest.key)
      }
      let cursor = state.next
      state.next += 1
      state.clock += 1
      state.entries[cursor] = Entry(key: key, usedAt: state.clock)
      return cursor
    }
  }

  /// The key that `cursor` stands for, or nil if it was never handed out or is forgotten.
  func key(of cursor: UInt64) -> [UInt8]? {
    state.withLock { state in
      guard let key = state.entries[cursor]?.key else { return nil }
      state.clock += 1
      state.entries[cursor]?.usedAt = state.clock
      return key
    }
  }
}
