import Base

/// What a record says. The numbers are part of the format and are never given a new meaning.
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

/// One participant's mutations inside a batch or an intent, little-endian. A participant may have
/// several sections; their order is the order in which the mutations take effect.
///
///     offset  size  field
///          0     4  participant
///          4     4  byte count
///          8     n  mutations, opaque to the log
struct Section: Equatable {
  static let headerByteCount = 8
  /// The sections of a batch and of an intent begin behind a word of eight bytes.
  static let firstOffset = 8

  var participant: Int
  /// Where the mutations stand in the payload.
  var range: Range<Int>

  /// The section at `offset` of a payload, or nil if the bytes there cannot be one.
  static func parse(_ payload: RawSpan, at offset: Int) -> Section? {
    guard payload.byteCount - offset >= headerByteCount else { return nil }
    let participant = Int(payload.load(at: offset, as: UInt32.self))
    let byteCount = Int(payload.load(at: offset + 4, as: UInt32.self))
    let start = offset + headerByteCount
    guard byteCount <= payload.byteCount - start else { return nil }
    return Section(participant: participant, range: start..<start + byteCount)
  }
}
