import Base
import Glibc

/// An open file descriptor, closed when it goes out of scope.
public struct Descriptor: ~Copyable, Sendable {
  /// -1 once it is closed.
  public private(set) var number: Int32

  /// Takes ownership of the descriptor that `operation` has returned; throws if it is negative.
  init(_ number: Int32, operation: String, path: String = "") throws(IOError) {
    guard number >= 0 else { throw IOError(errno: errno, operation: operation, path: path) }
    self.number = number
  }

  /// Takes ownership of a descriptor that is known to be open.
  public init(adopting number: Int32) { self.number = number }

  /// Gives up the descriptor without closing it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  /// Closes it before it goes out of scope.
  mutating func close() {
    if number >= 0 { Glibc.close(number) }
    number = -1
  }

  deinit { if number >= 0 { Glibc.close(number) } }
}
