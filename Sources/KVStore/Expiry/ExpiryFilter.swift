import Base

/// Decides for one reader which entries have expired, and remembers the expired ones that it met.
///
/// The clock is read only for an entry with an expiry. Reads that belong together, such as those of one cut
/// or of one evaluation, use one moment, which is taken when it is first needed.
final class ExpiryFilter {
  /// The most keys that are remembered.
  static let keyLimit = 64

  private enum Moment {
    static let asked: UInt64 = 0
    static let unasked: UInt64 = 1
  }

  private let clock: ExpiryClock
  /// The moment that is held. 0: the clock is read every time; 1: it is read when first needed.
  private var moment = Moment.asked
  private(set) var met: [[UInt8]] = []
  private(set) var metCount = 0

  init(_ clock: ExpiryClock) {
    self.clock = clock
  }

  /// Whether the entry at `address` with this expiry has expired.
  @inline(__always)
  func hides(_ expiry: UInt64, of address: EntryAddress) -> Bool {
    expiry != 0 && hasPassed(expiry, of: address.key)
  }

  @inline(never)
  private func hasPassed(_ expiry: UInt64, of key: RawSpan) -> Bool {
    guard expiry <= now else { return false }
    metCount += 1
    if met.count < Self.keyLimit { met.append(Array(copying: key)) }
    return true
  }

  /// The moment that is held, or the current time.
  var now: UInt64 {
    if moment > Moment.unasked { return moment }
    let now = max(clock.now, Moment.unasked + 1)
    if moment == Moment.unasked { moment = now }
    return now
  }

  /// Holds one moment until `release`. Returns false if one is held already.
  func hold() -> Bool {
    guard moment == Moment.asked else { return false }
    moment = Moment.unasked
    return true
  }

  /// Holds the current moment indefinitely.
  func holdNow() {
    moment = Moment.unasked
    _ = now
  }

  func release(_ wasTaken: Bool) {
    if wasTaken { moment = Moment.asked }
  }

  /// Begins an evaluation, with a new moment and no expired keys.
  @inline(__always)
  func begin() {
    moment = Moment.unasked
    if metCount > 0 { forget() }
  }

  /// Ends an evaluation: the clock is read again, and the expired keys that it met have been handled.
  @inline(__always)
  func end() {
    moment = Moment.asked
    if metCount > 0 { forget() }
  }

  func forget() {
    metCount = 0
    met.removeAll(keepingCapacity: true)
  }
}
