import Base
import CLinux
import Glibc
import Synchronization

/// The system calls of the driver.
enum System {
  /// The daemon that runs now, for the handler that must not leave it behind; 0 for none.
  static let daemon = Atomic<Int32>(0)

  /// Nanoseconds of CLOCK_MONOTONIC, which the preloaded recorder reads too.
  static func now() -> UInt64 { SystemClock.monotonicNanoseconds() }

  /// By how many milliseconds the time of day is ahead of `now`.
  static func timeAhead() -> Int {
    Int(SystemClock.millisecondsSince1970()) - Int(SystemClock.monotonicMilliseconds())
  }

  static func sleep(milliseconds: Int) { usleep(UInt32(max(0, milliseconds) * 1000)) }

  static func fail(_ message: String) -> Never {
    System.say(unsafe "kvd-drive: \(message): \(String(cString: strerror(errno)))")
    killDaemon()
    exit(2)
  }

  static func killDaemon() {
    let process = daemon.load(ordering: .sequentiallyConsistent)
    if process > 0 { kill(process, SIGKILL) }
  }

  /// An interrupted driver takes its daemon along.
  static func prepareSignals() {
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { _ in
        System.killDaemon()
        _exit(130)
      }
    }
  }

  private static func release(_ texts: [UnsafeMutablePointer<CChar>?]) {
    for index in unsafe texts.indices { unsafe free(texts[index]) }
  }

  /// Starts a program whose output goes to the end of the file `output`.
  static func spawn(
    _ arguments: [String], environment: [String] = [], output: String
  ) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(
      &actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var argv: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
    unsafe argv.append(nil)
    var envp: [UnsafeMutablePointer<CChar>?] = unsafe []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      unsafe envp.append(strdup(entry))
      unsafe next += 1
    }
    unsafe envp += environment.map { unsafe strdup($0) }
    unsafe envp.append(nil)
    defer { unsafe release(argv + envp) }
    var process: pid_t = 0
    guard unsafe posix_spawn(&process, arguments[0], &actions, nil, argv, envp) == 0 else {
      fail("cannot start \(arguments[0])")
    }
    return process
  }

  enum Ending: Equatable {
    case exited(Int32)
    case killed(Int32)
  }

  /// How the process ended, or nil if it still runs and nobody wants to wait.
  static func wait(_ process: pid_t, blocking: Bool) -> Ending? {
    var status: Int32 = 0
    var answer = unsafe waitpid(process, &status, blocking ? 0 : WNOHANG)
    while answer < 0, errno == EINTR {
      answer = unsafe waitpid(process, &status, blocking ? 0 : WNOHANG)
    }
    if answer == 0 { return nil }
    return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
  }

  /// Runs a program to its end.
  static func run(
    _ arguments: [String], environment: [String] = [], output: String
  ) -> Ending {
    wait(spawn(arguments, environment: environment, output: output), blocking: true)
      ?? .exited(-1)
  }

  /// Gives this process and its children mounts of their own, which end with them.
  static func ownMounts() -> Bool { unshare(KVD_CLONE_NEWNS) == 0 }

  static var isRoot: Bool { geteuid() == 0 }

  /// What may still be written to the file system at `path`.
  static func freeByteCount(of path: String) -> Int {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { fail("cannot ask for the room at \(path)") }
    return Int(status.f_bavail) * Int(status.f_bsize)
  }

  /// Makes a file as long as the disk allows, in steps down to a block, less `room` bytes.
  static func fillDisk(_ path: String, leaving room: Int) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    defer { close(file) }
    var size = Int(lseek(file, 0, SEEK_END))
    for step in [1 << 20, 1 << 16, 1 << 12] {
      while posix_fallocate(file, size, step) == 0 { size += step }
    }
    if room > 0 { ftruncate(file, max(0, size - room)) }
  }

  /// Writes a number in its place, for processes that have the file mapped.
  static func overwrite(_ path: String, with number: Int) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    if file < 0 { fail("cannot open \(path)") }
    defer { close(file) }
    var number = number
    if unsafe pwrite(file, &number, 8, 0) != 8 { fail("cannot write \(path)") }
  }

  static func text(of path: String) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(file, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func openForAppending(_ path: String) -> Int32 {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    if file < 0 { fail("cannot open \(path)") }
    return file
  }

  /// A line to the standard output, at once, whole.
  static func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = unsafe write(STDOUT_FILENO, bytes, bytes.count)
  }

  static func append(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    if unsafe write(file, bytes, bytes.count) != bytes.count { fail("cannot write the record") }
  }

  static func makeDirectory(_ path: String) {
    if unsafe mkdir(path, 0o755) != 0, errno != EEXIST { fail("cannot make \(path)") }
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  static func removeFile(_ path: String) { unsafe unlink(path) }

  /// Removes a folder and all in it. Does nothing where there is none.
  static func removeTree(_ path: String) {
    _ = run(["/bin/rm", "-rf", "--", path], output: "/dev/null")
  }

  /// A connection to a port of this machine, or nil.
  static func connect(port: Int) -> Int32? {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(number)
      return nil
    }
    var on: Int32 = 1
    unsafe setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    unsafe setsockopt(
      number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return number
  }

  static func send(_ bytes: [UInt8], to socket: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let count = unsafe Glibc.send(
          socket, buffer.baseAddress! + done, buffer.count - done, Int32(MSG_NOSIGNAL))
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return false }
        done += count
      }
      return true
    }
  }

  /// What goes at once, without waiting for the other end to read; how many bytes.
  static func sendAtOnce(_ bytes: ArraySlice<UInt8>, to socket: Int32) -> Int? {
    let count = unsafe bytes.withUnsafeBytes { buffer in
      unsafe Glibc.send(
        socket, buffer.baseAddress!, buffer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
    if count >= 0 { return count }
    return errno == EAGAIN || errno == EINTR ? 0 : nil
  }

  enum Receiving { case some, ended, timedOut }

  static func receive(from socket: Int32, into buffer: inout [UInt8]) -> Receiving {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe recv(socket, &room, room.count, 0)
      if count > 0 {
        buffer += room[..<count]
        return .some
      }
      if count < 0, errno == EINTR { continue }
      return count < 0 && errno == EAGAIN ? .timedOut : .ended
    }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  static func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    let box = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
    var id = pthread_t()
    let code = unsafe pthread_create(
      &id, nil,
      { argument in
        unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, unsafe box)
    if code != 0 { fail("cannot start a thread") }
    return id
  }

  static func join(_ thread: pthread_t) { pthread_join(thread, nil) }
}
