import Base
import Glibc

/// Faults requested through environment variables, for tests. Without these variables nothing happens.
enum Faults {
  /// Applies `KVD_CRASH_AT=NAME:N` and, in builds with deliberate bugs, `KVD_BUG=NAME`. False if one of
  /// them is not valid: a test whose fault is not injected must not pass.
  static func arm() -> Bool {
    if let text = Environment.value(of: "KVD_CRASH_AT"), !CrashPoint.arm(text) {
      Log.write(
        "kvd: KVD_CRASH_AT=\(text) is not a valid crash point; see 'kvd crash-points'\n",
        to: STDERR_FILENO)
      return false
    }
    guard DeliberateBug.areCompiledIn, let text = Environment.value(of: "KVD_BUG") else {
      return true
    }
    guard let bug = DeliberateBug(rawValue: text) else {
      Log.write("kvd: KVD_BUG=\(text) is not a known bug\n", to: STDERR_FILENO)
      return false
    }
    DeliberateBug.turnOn(bug)
    return true
  }
}
