import Base
import KVStore

/// The cursors of SCAN, HSCAN and SSCAN: numbers that identify the first key, or field, of the next page.
///
/// Redis clients treat cursors as unsigned integers, but a position in an ordered store is a key of up to 500
/// bytes. So a cursor is a fingerprint of that key. It is valid for as long as the key exists, even if the
/// server does not remember it: a walk over the keys finds the key again. This is what happens after a restart
/// (`CursorLookup`).
///
/// To avoid that walk otherwise, the keys of recent cursors are kept here. A client that continues uses up its
/// cursor, so one has to be kept for each iteration in progress. Those are kept longer than used ones, which
/// are sent again only by a client that lost a reply. So a client that scans fast takes no more memory than one
/// that scans slowly, and starting the same page many times makes one cursor.
///
/// Cursors have 52 bits, because some clients keep them in a floating-point number.
final class ScanCursors: Sendable {
  private struct Entry {
    let position: [UInt8]
    /// How often the cursor was handed out and has not been used.
    var pendingCount: Int
  }

  private struct State {
    var pending: Generations<Entry>
    var used: Generations<Entry>
  }

  private let seed: UInt64
  private let state: Lock<State>

  /// - Parameters:
  ///   - store: seeds the fingerprints, so that they stay the same after a restart and differ between stores.
  ///   - pendingCount, usedCount: how many cursors of iterations in progress, and how many used ones, are kept
  ///     for certain. At most twice as many are kept.
  init(store: StoreID, pendingCount: Int = 16_384, usedCount: Int = 1_024) {
    seed = store.bytes.withRawBytes { Self.hash($0, seed: 0) }
    state = Lock(
      State(pending: Generations(capacity: pendingCount), used: Generations(capacity: usedCount)))
  }

  // MARK: Fingerprints

  /// What an iteration walks over: the keys, or the fields of one map. A cursor has no meaning in another
  /// scope.
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

  /// Folds in eight bytes at a time with a 128-bit multiplication, as wyhash does. Cursors outlive the process,
  /// so changing this function makes iterations in progress start over.
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

  // MARK: Kept cursors

  /// Returns and keeps the cursor of an iteration that continues at `position`. O(1).
  func handOut(_ position: [UInt8], in scope: Scope) -> UInt64 {
    let cursor = position.withRawBytes { scope.cursor(of: $0) }
    state.withLock { state in
      let known = state.pending.remove(cursor)
      let count = known?.position == position ? known!.pendingCount + 1 : 1
      state.pending.insert(Entry(position: position, pendingCount: count), for: cursor)
    }
    return cursor
  }

  /// Where the iteration with this cursor continues, or nil if the cursor is not kept. O(1).
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
    // The number may belong to another scope, or be made up.
    guard let position, position.withRawBytes({ scope.cursor(of: $0) }) == cursor else {
      return nil
    }
    return position
  }

  // MARK: The text of a cursor

  /// Parses a client's cursor by the rules of strtoul(3), as Redis does: an empty text is zero, a sign is
  /// accepted, and the text ends at the first zero byte. Nil for anything else.
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
