import Base
import Glibc

/// What the environment asks of a kvd that is being tested. Without these variables nothing happens.
enum Faults {
  /// Takes `KVD_CRASH_AT=NAME:N`, and `KVD_BUG=NAME` in builds with deliberate bugs. False where one
  /// of them names nothing: a test that tests nothing must not pass.
  static func arm() -> Bool {
    if let text = Environment.value(of: "KVD_CRASH_AT"), !CrashPoint.arm(text) {
      Log.write(
        "kvd: KVD_CRASH_AT=\(text) names nothing; see 'kvd crash-points'\n", to: STDERR_FILENO)
      return false
    }
    guard DeliberateBug.areBuiltIn, let text = Environment.value(of: "KVD_BUG") else {
      return true
    }
    guard let bug = DeliberateBug(rawValue: text) else {
      Log.write("kvd: KVD_BUG=\(text) names nothing\n", to: STDERR_FILENO)
      return false
    }
    DeliberateBug.turnOn(bug)
    return true
  }
}
