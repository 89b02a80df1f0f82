import Base
import CLinux
import Glibc

/// eventfd(2): lets any thread end an event loop's wait.
package struct EventDescriptor: ~Copyable {
  let descriptor: Descriptor

  package init() throws(IOError) {
    descriptor = try Descriptor(
      eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)), operation: "eventfd")
  }

  package var number: Int32 { descriptor.number }

  package func signal() {
    var one: UInt64 = 1
    unsafe _ = write(descriptor.number, &one, 8)
  }

  package func clear() {
    var count: UInt64 = 0
    unsafe _ = read(descriptor.number, &count, 8)
  }
}
