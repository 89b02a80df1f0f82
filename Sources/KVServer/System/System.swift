import Base
import CLinux
import Glibc

/// The system calls about the process and its threads, behind wrappers that take and return plain values.
enum System {
  static var processID: Int32 { getpid() }

  /// Lowers the scheduling priority of this thread; setpriority(2), which on Linux affects a single thread.
  static func lowerThreadPriority() { _ = setpriority(__priority_which_t(0), 0, 4) }

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
