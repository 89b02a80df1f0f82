import CLinux

/// The processor's counter if it runs at a constant rate, otherwise the system's monotonic clock.
///
/// Public, because it is read for every request: the compiler inlines only public functions across modules.
public struct TickClock: Sendable {
  @usableFromInline let usesCounter: Bool
  /// Nanoseconds are ticks × this / 2^24.
  @usableFromInline let scale: UInt64

  /// Calibrates the counter against the clock once, for 4 ms.
  public static let standard = TickClock()

  private init() {
    usesCounter = kvd_has_invariant_tsc() != 0
    guard usesCounter else {
      scale = 1 << 24
      return
    }
    let counter = kvd_counter()
    let begun = SystemClock.monotonicNanoseconds()
    var elapsed: UInt64 = 0
    while elapsed < 4_000_000 { elapsed = SystemClock.monotonicNanoseconds() - begun }
    let ticks = max(1, kvd_counter() - counter)
    scale = max(1, UInt64((Double(elapsed) / Double(ticks) * Double(1 << 24)).rounded()))
  }

  /// The time in ticks since an arbitrary origin.
  @inline(__always)
  public var now: UInt64 { usesCounter ? kvd_counter() : SystemClock.monotonicNanoseconds() }

  /// How long `ticks` last.
  @inlinable
  @inline(__always)
  public func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let (high, low) = ticks.multipliedFullWidth(by: scale)
    return high << 40 | low >> 24
  }

  /// How many ticks a duration has, rounded up.
  public func ticks(microseconds: Int) -> UInt64 {
    let ticks = (Double(microseconds) * 1000 * Double(1 << 24) / Double(scale)).rounded(.up)
    return ticks < Double(UInt64.max / 2) ? UInt64(ticks) : .max
  }
}
