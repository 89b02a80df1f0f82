import Base
import CLinux
import Glibc

/// epoll(7), level-triggered.
@safe
package struct Poller: ~Copyable {
  package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static var read: Interest { Interest(rawValue: EPOLLIN.rawValue) }
    package static var write: Interest { Interest(rawValue: EPOLLOUT.rawValue) }
    /// Reported even if not requested.
    package static var hangUp: Interest {
      Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
    }
  }

  package struct Event {
    package let token: UInt64
    package let ready: Interest
  }

  private let descriptor: Descriptor
  private var events: [epoll_event]

  /// epoll_create1(2)
  package static func makeDescriptor() throws(IOError) -> Descriptor {
    try Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), operation: "epoll_create1")
  }

  package init(_ descriptor: consuming Descriptor, capacity: Int = 256) {
    self.descriptor = descriptor
    unsafe events = [epoll_event](repeating: epoll_event(), count: capacity)
  }

  package func add(_ number: Int32, token: UInt64, _ interest: Interest) throws(IOError) {
    try control(EPOLL_CTL_ADD, number, token, interest)
  }

  package func change(_ number: Int32, token: UInt64, _ interest: Interest) throws(IOError) {
    try control(EPOLL_CTL_MOD, number, token, interest)
  }

  package func remove(_ number: Int32) throws(IOError) {
    try control(EPOLL_CTL_DEL, number, 0, [])
  }

  private func control(
    _ operation: Int32, _ number: Int32, _ token: UInt64, _ interest: Interest
  ) throws(IOError) {
    var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
    guard unsafe epoll_ctl(descriptor.number, operation, number, &event) == 0 else {
      throw IOError(errno: errno, operation: "epoll_ctl", path: "descriptor \(number)")
    }
  }

  /// Waits at most `timeoutMilliseconds`, indefinitely if it is -1; returns the number of events.
  package mutating func wait(timeoutMilliseconds: Int32) -> Int {
    let count = unsafe epoll_wait(
      descriptor.number, &events, Int32(events.count), timeoutMilliseconds)
    return Int(max(0, count))
  }

  package subscript(index: Int) -> Event {
    unsafe Event(token: events[index].data.u64, ready: Interest(rawValue: events[index].events))
  }
}
