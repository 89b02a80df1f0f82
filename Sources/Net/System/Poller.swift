import Base
import CLinux
import Glibc

/// epoll(7), level-triggered.
@safe
public struct Poller: ~Copyable {
  public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static var read: Interest { Interest(rawValue: EPOLLIN.rawValue) }
    public static var write: Interest { Interest(rawValue: EPOLLOUT.rawValue) }
    /// Reported even if not requested.
    public static var hangUp: Interest {
      Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
    }
  }

  public struct Event {
    public let token: UInt64
    public let ready: Interest
  }

  private let descriptor: Descriptor
  private var events: [epoll_event]

  /// epoll_create1(2)
  public static func makeDescriptor() throws(IOError) -> Descriptor {
    try Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), operation: "epoll_create1")
  }

  public init(_ descriptor: consuming Descriptor, capacity: Int = 256) {
    self.descriptor = descriptor
    unsafe events = [epoll_event](repeating: epoll_event(), count: capacity)
  }

  public func add(_ number: Int32, token: UInt64, _ interest: Interest) throws(IOError) {
    try control(EPOLL_CTL_ADD, number, token, interest)
  }

  public func change(_ number: Int32, token: UInt64, _ interest: Interest) throws(IOError) {
    try control(EPOLL_CTL_MOD, number, token, interest)
  }

  public func remove(_ number: Int32) throws(IOError) {
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
  public mutating func wait(timeoutMilliseconds: Int32) -> Int {
    let count = unsafe epoll_wait(
      descriptor.number, &events, Int32(events.count), timeoutMilliseconds)
    return Int(max(0, count))
  }

  public subscript(index: Int) -> Event {
    unsafe Event(token: events[index].data.u64, ready: Interest(rawValue: events[index].events))
  }
}
