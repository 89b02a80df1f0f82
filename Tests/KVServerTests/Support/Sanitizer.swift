import Glibc

/// Whether a sanitizer watches the tests and the daemons that they start (`make test-address`,
/// `make test-thread`): both are then several times slower, and each byte of theirs takes more memory.
enum Sanitizer {
  static let isOn = getenv("KVD_SANITIZER") != nil
  static let isThread = getenv("KVD_SANITIZER").map { String(cString: $0) } == "thread"
}
