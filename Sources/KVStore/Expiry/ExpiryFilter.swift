import Base

/// Tells one reader which entries have expired, and remembers which it has met.
///
/// The clock is asked only when an entry has an expiry at all. Reads that belong together, as those of one
/// cut or of one evaluation, are told by one moment, which is taken when it is first needed.
final class ExpiryFilter {
  /// More keys than these are not kept.
  static let keyLimit = 64

  private enum Moment {
    static let asked: UInt64 = 0
    static let unasked: UInt64 = 1
  }

  private let clock: ExpiryClock
  /// The moment that is held; 0 where the clock is asked every time, 1 where it is when first needed.
  private var moment = Moment.asked
  private(set) var met: [[UInt8]] = []
  private(set) var metCount = 0

  init(_ clock: ExpiryClock) {
    self.clock = clock
  }

  /// Whether the entry of `key` with this expiry is no more.
  @inline(__always)
  func hides(_ expiry: UInt64, of key: RawSpan) -> Bool {
    expiry != 0 && hasPassed(expiry, of: key)
  }

  @inline(never)
  private func hasPassed(_ expiry: UInt64, of key: RawSpan) -> Bool {
    guard expiry <= now else { return false }
    metCount += 1
    if met.count < Self.keyLimit { met.append(Array(copying: key)) }
    return true
  }

  /// The moment that is held, or the present.
  var now: UInt64 {
    if moment > Moment.unasked { return moment }
    let now = max(clock.now, Moment.unasked + 1)
    if moment == Moment.unasked { moment = now }
    return now
  }

  /// Holds one moment until `release`. False where one is held already.
  func hold() -> Bool {
    guard moment == Moment.asked else { return false }
    moment = Moment.unasked
    return true
  }

  /// Holds the present moment forever.
  func holdNow() {
    moment = Moment.unasked
    _ = now
  }

  func release(_ wasTaken: Bool) {
    if wasTaken { moment = Moment.asked }
  }

  /// For an evaluation: a new moment, and nothing met.
  @inline(__always)
  func begin() {
    moment = Moment.unasked
    if metCount > 0 { forget() }
  }

  /// After an evaluation: the clock is asked again, and what was met has been seen to.
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
