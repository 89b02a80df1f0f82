import TxnWAL

/// How late it has been in the store: an internal entry, so that a clock which is set back while the store is
/// closed resurrects nothing. Its value is milliseconds since 1970, u64, little-endian.
enum ClockRecord {
  /// In the partition of slot 0.
  static let key: [UInt8] = [0, InternalKey.Kind.clock.rawValue, 0, 0]

  static func value(_ milliseconds: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(milliseconds)
    return bytes
  }

  /// Sets the clock by what `reader` finds. A record that cannot be read says nothing.
  static func restore(_ clock: ExpiryClock, from reader: Reader) {
    let key = key
    let milliseconds = try? reader.withEntry(stored: key.rawSpan) { info, value in
      info != nil && value.byteCount == 8 ? value.load(at: 0, as: UInt64.self) : nil
    }
    reader.close()
    if let milliseconds = milliseconds ?? nil { clock.raise(toHighWater: milliseconds) }
  }
}
