import Base
import KVData
import KVStore

/// The content of a dump, fully validated before anything is written.
struct DumpedValue {
  private let kind: ValueDump.Kind
  /// Ranges of the dump: the string; the members; or fields and values, alternating.
  private var strings: [Range<Int>] = []

  enum Finding {
    /// The version or the checksum is wrong.
    case unsound
    /// The type or the encoding is not supported, or the content does not parse.
    case malformed
    /// The content is larger than a batch may be.
    case tooLarge(byteCount: Int)
    case value(DumpedValue)
  }

  /// Parses a dump. O(n). The memory that this takes is bounded by the limit of a batch.
  static func find(in dump: RawSpan) -> Finding {
    guard ValueDump.isSound(dump) else { return .unsound }
    guard dump.byteCount > ValueDump.footerByteCount,
      let kind = ValueDump.Kind(rawValue: dump.byte(at: 0))
    else { return .malformed }
    var value = DumpedValue(kind: kind)
    var parser = ValueDump.Parser(dump)
    var count = 1
    if kind != .string {
      // Each member or field takes at least one byte.
      guard let told = parser.count(dump), told > 0, told <= dump.byteCount else {
        return .malformed
      }
      let byteCount = told * Limits.mutationByteCount
      guard byteCount <= Limits.batchByteCount else { return .tooLarge(byteCount: byteCount) }
      count = kind == .map ? 2 * told : told
    }
    value.strings.reserveCapacity(count)
    for _ in 0..<count {
      guard let string = parser.string(dump) else { return .malformed }
      value.strings.append(string)
    }
    guard parser.isAtEnd, kind == .string || value.hasFittingFields else { return .malformed }
    return .value(value)
  }

  private init(kind: ValueDump.Kind) { self.kind = kind }

  private var hasFittingFields: Bool {
    stride(from: 0, to: strings.count, by: kind == .map ? 2 : 1).allSatisfy {
      strings[$0].count <= MapLimits.fieldByteCount
    }
  }

  func put(
    at key: RawSpan, expiry: UInt64, from dump: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try Records.remove(key, in: &evaluation)
    guard kind != .string else {
      let value = dump.extracting(strings[0])
      return try Records.rewrite(key, with: value, expiry: expiry, replacing: 0, in: &evaluation)
    }
    let step = kind == .map ? 2 : 1
    try evaluation.edit(kind == .map ? .map : .set, at: key) {
      (map, evaluation) throws(StoreError) in
      for index in stride(from: 0, to: strings.count, by: step) {
        let value = step == 2 ? dump.extracting(strings[index + 1]) : RawSpan()
        try map.set(dump.extracting(strings[index]), value, in: &evaluation)
      }
    }
    try Records.setExpiry(expiry, of: key, in: &evaluation)
  }
}
