import Glibc

/// The environment variables.
enum Environment {
  /// getenv(3).
  static func value(of name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// All of them, as `NAME=VALUE`.
  static var variables: [String] {
    var found: [String] = []
    var next = unsafe environ
    while let variable = unsafe next.pointee {
      unsafe found.append(String(cString: variable))
      unsafe next = next.successor()
    }
    return found
  }
}
