import Base

/// The kind of a record. The numbers are part of the format and are never reused.
enum RecordKind: UInt8, CaseIterable, Sendable {
  /// Intent and commit in one, for a transaction with a single participant.
  ///
  ///     payload: sequence u64, then sections
  case batch = 1
  /// What a transaction with several participants is about to do.
  ///
  ///     payload: zero u64, then sections
  case intent = 2
  /// The commit marker: every participant voted yes.
  ///
  ///     payload: sequence u64
  case commit = 3
  /// The abort marker: at least one participant voted no.
  ///
  ///     payload: participant u32, refusal code u32, refusal detail u64
  case abort = 4
}

/// One participant's mutations inside a batch or an intent, little-endian. A participant may have several sections;
/// they take effect in their order.
///
///     offset  size  field
///          0     4  participant
///          4     4  byte count
///          8     n  mutations, opaque to the log
struct Section: Equatable {
  static let headerByteCount = 8
  /// In a batch and an intent, the sections follow a word of eight bytes.
  static let firstOffset = 8

  var participant: Int
  /// The range of the mutations in the payload.
  var range: Range<Int>

  /// The section at `offset` of a payload, or nil if there is no valid one.
  static func parse(_ payload: RawSpan, at offset: Int) -> Section? {
    guard payload.byteCount - offset >= headerByteCount else { return nil }
    let participant = Int(payload.load(at: offset, as: UInt32.self))
    let byteCount = Int(payload.load(at: offset + 4, as: UInt32.self))
    let start = offset + headerByteCount
    guard byteCount <= payload.byteCount - start else { return nil }
    return Section(participant: participant, range: start..<start + byteCount)
  }
}
