import Base
import KVStore

/// Where SCAN, HSCAN and SSCAN go on: numbers that stand for the first key, or field, of the next page.
///
/// Redis clients know cursors only as unsigned integers, while the place in an ordered store is a key of up to 500 bytes.
/// A cursor is a fingerprint of that key, so that it has a meaning without anything being remembered: where the key is
/// still there, a walk over the keys finds it again. That is what happens after a restart (`ScanResumption`), and it makes
/// every cursor valid for as long as its key exists.
///
/// So that it need not happen otherwise, the keys of recent cursors are kept here. A client that goes on uses up the
/// cursor it had, so what has to be kept is one for each iteration that is under way, and those count for longer than
/// used ones, which only a client that lost a reply will send again. A client that scans fast thus leaves no more behind
/// than one that scans slowly, and the same page begun again and again is one cursor.
///
/// Numbers have 52 bits, because there are clients that keep them in a floating-point number.
final class ScanCursors: Sendable {
  private struct Entry {
    let position: [UInt8]
    /// How often the cursor was handed out and not used yet.
    var pendingCount: Int
  }

  private struct State {
    var pending: Generations<Entry>
    var used: Generations<Entry>
  }

  private let seed: UInt64
  private let state: Lock<State>

  /// - Parameters:
  ///   - store: seeds the fingerprints, which thus are the same after a restart, and no other store's.
  ///   - pendingCount, usedCount: how many cursors of iterations under way, and how many used ones, are kept for
  ///     certain; up to twice as many are.
  init(store: StoreID, pendingCount: Int = 16_384, usedCount: Int = 1_024) {
    seed = store.bytes.withRawBytes { Self.hash($0, seed: 0) }
    state = Lock(
      State(pending: Generations(capacity: pendingCount), used: Generations(capacity: usedCount)))
  }

  // MARK: Fingerprints

  /// What is walked over: the keys, or the fields of one map. A cursor of one says nothing in another.
  struct Scope {
    fileprivate let seed: UInt64

    /// The cursor of a key or field: from 1 to 2^52 - 1.
    func cursor(of position: RawSpan) -> UInt64 {
      max(1, ScanCursors.hash(position, seed: seed) >> 12)
    }
  }

  /// The keys of the store.
  var keys: Scope { Scope(seed: seed) }

  /// The fields of the map at `key`.
  func fields(of key: RawSpan) -> Scope { Scope(seed: Self.hash(key, seed: ~seed)) }

  /// Eight bytes at a time are folded in by a multiplication to 128 bits, as in wyhash. Cursors outlive the process:
  /// another function here makes those that are under way begin again.
  private static func hash(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
    var state = seed ^ 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset < bytes.byteCount {
      var word: UInt64 = 0
      if offset &+ 8 <= bytes.byteCount {
        word = bytes.load(at: offset, as: UInt64.self)
      } else {
        for place in offset..<bytes.byteCount { word = word << 8 | UInt64(bytes.byte(at: place)) }
      }
      state = fold(state ^ word, 0xA076_1D64_78BD_642F)
      offset &+= 8
    }
    return fold(state ^ UInt64(bytes.byteCount), 0xE703_7ED1_A0B4_28DB)
  }

  private static func fold(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let product = one.multipliedFullWidth(by: other)
    return product.high ^ product.low ^ one
  }

  // MARK: What is kept

  /// The cursor of an iteration that goes on with `position`. O(1).
  func handOut(_ position: [UInt8], in scope: Scope) -> UInt64 {
    let cursor = position.withRawBytes { scope.cursor(of: $0) }
    state.withLock { state in
      let known = state.pending.remove(cursor)
      let count = known?.position == position ? known!.pendingCount + 1 : 1
      state.pending.insert(Entry(position: position, pendingCount: count), for: cursor)
    }
    return cursor
  }

  /// Where an iteration goes on that sends `cursor`, or nil if that is not kept. O(1).
  func position(of cursor: UInt64, in scope: Scope) -> [UInt8]? {
    let position = state.withLock { state -> [UInt8]? in
      guard var entry = state.pending.remove(cursor) ?? state.used.remove(cursor) else {
        return nil
      }
      entry.pendingCount = max(0, entry.pendingCount - 1)
      if entry.pendingCount > 0 {
        state.pending.insert(entry, for: cursor)
      } else {
        state.used.insert(entry, for: cursor)
      }
      return entry.position
    }
    // The number may be another scope's, or made up.
    guard let position, position.withRawBytes({ scope.cursor(of: $0) }) == cursor else {
      return nil
    }
    return position
  }

  // MARK: The text of a cursor

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
}
