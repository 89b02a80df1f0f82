import Base
import CLinux
import Glibc

/// eventfd(2): lets any thread end an event loop's wait.
public struct EventDescriptor: ~Copyable, Sendable {
  let descriptor: Descriptor

  public init() throws(IOError) {
    descriptor = try Descriptor(
      eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)), operation: "eventfd")
  }

  public var number: Int32 { descriptor.number }

  public func signal() {
    var one: UInt64 = 1
    unsafe _ = write(descriptor.number, &one, 8)
  }

  public func clear() {
    var count: UInt64 = 0
    unsafe _ = read(descriptor.number, &count, 8)
  }
}
