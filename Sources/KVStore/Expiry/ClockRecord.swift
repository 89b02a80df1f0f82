import Base

/// The latest time that the store's clock has shown, and the clock's relation to the time of day. It is the one
/// entry of `Keyspace.clock`, so that no expired entry reappears when the machine's clock is set back while the store is closed.
///
///     milliseconds since 1970, u64 | origin, i64 | lead, u64          little-endian
///
/// Origin and lead are those of `ExpiryClock.Standing`.
enum ClockRecord {
  /// In the partition of slot 0.
  static let key: [UInt8] = [0, 0]

  private static let byteCount = 24

  static func value(_ milliseconds: UInt64, _ standing: ExpiryClock.Standing) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(milliseconds)
    bytes.appendLittleEndian(UInt64(bitPattern: standing.origin))
    bytes.appendLittleEndian(standing.lead)
    return bytes
  }

  /// Sets the clock from the record that `reader` finds. A record that cannot be read is ignored.
  static func restore(_ clock: ExpiryClock, from reader: Reader) {
    let key = key
    _ = try? reader.withEntry(of: key.rawSpan, in: .clock) { info, value in
      if info != nil { restore(clock, from: value) }
    }
    reader.close()
  }

  private static func restore(_ clock: ExpiryClock, from value: RawSpan) {
    guard value.byteCount == byteCount else { return }
    let standing = ExpiryClock.Standing(
      origin: Int64(bitPattern: value.load(at: 8, as: UInt64.self)),
      lead: value.load(at: 16, as: UInt64.self))
    clock.restore(toHighWater: value.load(at: 0, as: UInt64.self), standing)
  }
}
