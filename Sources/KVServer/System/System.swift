import Base
import CLinux
import Glibc

/// Every system call the server makes, behind wrappers that take and return plain values.
enum System {
  enum Failure: Error, Equatable {
    case code(Int32, operation: String)
    /// A host name does not resolve; the code is one of getaddrinfo(3).
    case name(String, code: Int32)

    var number: Int32 {
      switch self {
      case .code(let number, _): number
      case .name: EINVAL
      }
    }

    /// This machine has no such address.
    var isMissingAddress: Bool { [EADDRNOTAVAIL, EAFNOSUPPORT].contains(number) }
  }

  /// gai_strerror(3)
  static func message(forName code: Int32) -> String {
    guard let text = unsafe gai_strerror(code) else { return "unknown error" }
    return unsafe String(cString: text)
  }

  /// The result of a read or write on a non-blocking socket.
  enum Transfer: Equatable {
    case moved(Int)
    case wouldBlock
    /// The peer has closed its sending side; only for reads.
    case ended
    case failed(Int32)
  }

  // MARK: The process

  static var processID: Int32 { getpid() }

  /// Lowers the scheduling priority of this thread; setpriority(2), which on Linux affects a single thread.
  static func lowerThreadPriority() { _ = setpriority(__priority_which_t(0), 0, 4) }

  /// The time-stamp counter of an x86-64 processor; 0 on others.
  @inline(__always)
  static var counter: UInt64 { kvd_counter() }

  /// Whether the counter runs at a constant rate.
  static var hasInvariantCounter: Bool { kvd_has_invariant_tsc() != 0 }

  /// usleep(3), repeatedly, for at most a day.
  static func sleep(milliseconds: Int) {
    let until = SystemClock.monotonicMilliseconds() + Int64(min(milliseconds, 86_400_000))
    while true {
      let left = until - SystemClock.monotonicMilliseconds()
      guard left > 0 else { return }
      usleep(UInt32(min(left, 500) * 1000))
    }
  }

  /// The contents of a small text file of the kernel, at most 8192 bytes; empty if it cannot be read.
  static func kernelText(_ path: String) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 8192)
    let length = unsafe read(file, &text, text.count)
    return String(decoding: text.prefix(max(0, length)), as: UTF8.self)
  }

  /// The path of this process's executable; readlink(2).
  static var executablePath: String {
    var path = [UInt8](repeating: 0, count: 4096)
    let length = unsafe path.withUnsafeMutableBytes {
      unsafe readlink("/proc/self/exe", $0.baseAddress!, $0.count)
    }
    return String(decoding: path.prefix(max(0, length)), as: UTF8.self)
  }

  /// getrusage(2): the processor time of the process, its children, or this thread, in seconds.
  static func processorTime(of who: ProcessorTimeOwner) -> (system: Double, user: Double) {
    var usage = rusage()
    unsafe getrusage(who.rawValue, &usage)
    func seconds(_ time: timeval) -> Double {
      Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }
    return (seconds(usage.ru_stime), seconds(usage.ru_utime))
  }

  enum ProcessorTimeOwner: Int32 {
    case process = 0
    case children = -1
    case thread = 1
  }

  /// Makes the allocator return unused memory to the system; malloc_trim(3).
  static func trimHeap() { _ = malloc_trim(0) }

  /// The number of open descriptors of the process, from /proc/self/fd; 64 if that cannot be read.
  static func openDescriptorCount() -> Int {
    guard let directory = unsafe opendir("/proc/self/fd") else { return 64 }
    defer { unsafe _ = closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    return count
  }

  /// getrlimit(2) and setrlimit(2): raises the process's limit on open descriptors to `count`, as far as
  /// the hard limit allows, and returns the resulting limit.
  static func raiseDescriptorLimit(to count: Int) -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return 1024
    }
    guard limit.rlim_cur < count else { return Int(clamping: limit.rlim_cur) }
    let before = limit.rlim_cur
    limit.rlim_cur = min(limit.rlim_max, rlim_t(count))
    let isRaised = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    return Int(clamping: isRaised ? limit.rlim_cur : before)
  }

  /// A write to a socket whose peer is gone must be an error, not end the process.
  static func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }
}

/// An open file descriptor, closed when it goes out of scope.
struct Descriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32, operation: String) throws(System.Failure) {
    guard number >= 0 else { throw .code(errno, operation: operation) }
    self.number = number
  }

  /// Takes ownership of a descriptor that is known to be open.
  init(adopting number: Int32) { self.number = number }

  /// Gives up the descriptor without closing it.
  consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  deinit { close(number) }
}

/// eventfd(2): lets any thread end an event loop's wait.
struct EventDescriptor: ~Copyable {
  let descriptor: Descriptor

  init() throws(System.Failure) {
    descriptor = try Descriptor(
      eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)), operation: "eventfd")
  }

  func signal() {
    var one: UInt64 = 1
    unsafe _ = write(descriptor.number, &one, 8)
  }

  func clear() {
    var count: UInt64 = 0
    unsafe _ = read(descriptor.number, &count, 8)
  }
}

/// epoll(7), level-triggered.
@safe
struct Poller: ~Copyable {
  struct Interest: OptionSet, Sendable {
    let rawValue: UInt32
    static let read = Interest(rawValue: EPOLLIN.rawValue)
    static let write = Interest(rawValue: EPOLLOUT.rawValue)
    /// Reported even if not requested.
    static let hangUp = Interest(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
  }

  struct Event {
    let token: UInt64
    let ready: Interest
  }

  private let descriptor: Descriptor
  private var events: [epoll_event]

  /// epoll_create1(2)
  static func makeDescriptor() throws(System.Failure) -> Descriptor {
    try Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), operation: "epoll_create1")
  }

  init(_ descriptor: consuming Descriptor, capacity: Int = 256) {
    self.descriptor = descriptor
    unsafe events = [epoll_event](repeating: epoll_event(), count: capacity)
  }

  func add(_ number: Int32, token: UInt64, _ interest: Interest) throws(System.Failure) {
    try control(EPOLL_CTL_ADD, number, token, interest)
  }

  func change(_ number: Int32, token: UInt64, _ interest: Interest) throws(System.Failure) {
    try control(EPOLL_CTL_MOD, number, token, interest)
  }

  func remove(_ number: Int32) throws(System.Failure) {
    try control(EPOLL_CTL_DEL, number, 0, [])
  }

  private func control(
    _ operation: Int32, _ number: Int32, _ token: UInt64, _ interest: Interest
  ) throws(System.Failure) {
    var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
    guard unsafe epoll_ctl(descriptor.number, operation, number, &event) == 0 else {
      throw .code(errno, operation: "epoll_ctl")
    }
  }

  /// Waits at most `timeoutMilliseconds`, indefinitely if it is -1; returns the number of events.
  mutating func wait(timeoutMilliseconds: Int32) -> Int {
    let count = unsafe epoll_wait(
      descriptor.number, &events, Int32(events.count), timeoutMilliseconds)
    return Int(max(0, count))
  }

  subscript(index: Int) -> Event {
    unsafe Event(token: events[index].data.u64, ready: Interest(rawValue: events[index].events))
  }
}
