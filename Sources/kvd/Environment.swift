import Glibc

/// The environment's variables.
enum Environment {
  /// getenv(3).
  static func value(of name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }
}
