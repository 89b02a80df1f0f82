import Glibc

/// The system's steady clock.
enum Clock {
  /// Nanoseconds since some moment.
  @inline(__always)
  static var nanoseconds: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Sleeps until `moment`; returns at once where it is over.
  static func sleep(until moment: UInt64) {
    let now = nanoseconds
    if moment > now { Sleeping.sleep(nanoseconds: moment - now) }
  }

  /// The seconds that `body` takes.
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let began = nanoseconds
    try body()
    return Double(nanoseconds - began) / 1e9
  }
}
