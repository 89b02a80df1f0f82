import Glibc

/// The system's two clocks, real even in a simulation; clock_gettime(2).
package enum SystemClock {
  // MARK: Time of day, which can be set forward and back

  /// Time since 1970.
  package static func timeOfDay() -> (seconds: Int64, microseconds: Int64) {
    let now = read(CLOCK_REALTIME)
    return (Int64(now.tv_sec), Int64(now.tv_nsec) / 1000)
  }

  /// Time since 1970.
  package static func nanosecondsSince1970() -> Int64 { nanoseconds(read(CLOCK_REALTIME)) }

  /// Time since 1970; 0 if the clock is set before that.
  package static func millisecondsSince1970() -> UInt64 {
    UInt64(clamping: nanosecondsSince1970() / 1_000_000)
  }

  // MARK: Monotonic time since an arbitrary origin, which cannot be set

  package static func monotonicNanoseconds() -> UInt64 {
    UInt64(nanoseconds(read(CLOCK_MONOTONIC)))
  }

  package static func monotonicMicroseconds() -> Int64 { Int64(monotonicNanoseconds() / 1000) }

  package static func monotonicMilliseconds() -> Int64 { Int64(monotonicNanoseconds() / 1_000_000) }

  package static func monotonicSeconds() -> Int64 { Int64(monotonicNanoseconds() / 1_000_000_000) }

  private static func read(_ clock: clockid_t) -> timespec {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return now
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
