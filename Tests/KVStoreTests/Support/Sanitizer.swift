import Glibc

/// The sanitizer that watches the tests, if one does (`make test-address`, `make test-thread`).
enum Sanitizer {
  static let isOn = getenv("KVD_SANITIZER") != nil
  static let isThread = getenv("KVD_SANITIZER").map { String(cString: $0) } == "thread"
}
