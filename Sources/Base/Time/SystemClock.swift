import Glibc

/// The machine's two clocks, as they are also in a simulation; clock_gettime(2).
package enum SystemClock {
  // MARK: The time of day, which people and programs set, forward and back

  /// Since 1970.
  package static func timeOfDay() -> (seconds: Int64, microseconds: Int64) {
    let now = read(CLOCK_REALTIME)
    return (Int64(now.tv_sec), Int64(now.tv_nsec) / 1000)
  }

  /// Since 1970.
  package static func nanosecondsSince1970() -> Int64 { nanoseconds(read(CLOCK_REALTIME)) }

  /// Since 1970; 0 where the clock stands before that.
  package static func millisecondsSince1970() -> UInt64 {
    UInt64(clamping: nanosecondsSince1970() / 1_000_000)
  }

  // MARK: Since some moment, on a clock that nobody sets

  package static func monotonicNanoseconds() -> Int64 { nanoseconds(read(CLOCK_MONOTONIC)) }

  package static func monotonicMicroseconds() -> Int64 { monotonicNanoseconds() / 1000 }

  package static func monotonicMilliseconds() -> Int64 { monotonicNanoseconds() / 1_000_000 }

  package static func monotonicSeconds() -> Int64 { monotonicNanoseconds() / 1_000_000_000 }

  private static func read(_ clock: clockid_t) -> timespec {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return now
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
