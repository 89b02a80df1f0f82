import Base
import Glibc

/// Every system call of the log, each repeated when a signal interrupted it and each with its errno
/// turned into a `LogError`.
package enum SystemCall {
  /// The system's words for an `errno`; `strerror_r(3)`, because `strerror` shares one buffer among all
  /// threads.
  package static func message(for code: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard unsafe strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else {
        return "unknown error"
      }
      return unsafe String(cString: buffer.baseAddress!)
    }
  }

  /// The error for the errno of a call that just failed.
  static func failure(_ operation: String, _ path: String) -> LogError {
    let code = errno
    return code == ENOSPC || code == EDQUOT
      ? .diskFull(path: path, lacksInodes: lacksInodes(at: path))
      : .io(errno: code, operation: operation, path: path)
  }

  /// Whether the file system of `path` has room, but can make no more files, of which the system says the same
  /// errno; statvfs(3). A path that does not exist counts as its folder.
  package static func lacksInodes(at path: String) -> Bool {
    var status = statvfs()
    if unsafe statvfs(path, &status) != 0 {
      guard let slash = path.lastIndex(of: "/"),
        unsafe statvfs(String(path[...slash]), &status) == 0
      else { return false }
    }
    return status.f_files > 0 && status.f_favail == 0 && status.f_bavail > 0
  }

  /// `open(2)`, as `FileOpening` does it: no link is followed to a file, and what this makes is for the owner's eyes
  /// alone, who is that of the folder.
  static func open(_ path: String, _ flags: Int32) throws(LogError) -> Int32 {
    while true {
      let descriptor = FileOpening.open(path, flags, mode: 0o600)
      if descriptor >= 0 { return descriptor }
      if errno != EINTR { throw failure("open", path) }
    }
  }

  /// `close(2)`. Its result says nothing that `fdatasync` had not said before.
  static func close(_ descriptor: Int32) {
    _ = Glibc.close(descriptor)
  }

  /// `fstat(2)`: the length of the file.
  static func byteCount(_ descriptor: Int32, _ path: String) throws(LogError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure("fstat", path) }
    return Int(status.st_size)
  }

  /// `pread(2)`, until `count` bytes are there or the file ends.
  static func read(
    _ descriptor: Int32, at offset: Int, count: Int, _ path: String
  ) throws(LogError) -> [UInt8] {
    var failed: LogError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      done = 0
      while done < count {
        let got = unsafe pread(
          descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
        if got == 0 { break }
        if got > 0 {
          done += got
        } else if errno != EINTR {
          failed = failure("pread", path)
          break
        }
      }
    }
    if let failed { throw failed }
    return bytes
  }

  /// `pwrite(2)`, until all is written.
  static func write(
    _ descriptor: Int32, _ bytes: RawSpan, at offset: Int, _ path: String
  ) throws(LogError) {
    var failed: LogError?
    unsafe bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let put = unsafe pwrite(
          descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
        if put >= 0 {
          done += put
        } else if errno != EINTR {
          failed = failure("pwrite", path)
          break
        }
      }
    }
    if let failed { throw failed }
  }

  /// `fdatasync(2)`. Not repeated, whatever it says.
  static func sync(_ descriptor: Int32, _ path: String) throws(LogError) {
    guard fdatasync(descriptor) == 0 else { throw failure("fdatasync", path) }
  }

  /// `fsync(2)` of a folder: its entries.
  static func syncDirectory(_ path: String) throws(LogError) {
    let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
  }

  /// `statvfs(3)`: the room on the file system that holds `path`.
  static func availableByteCount(_ path: String) throws(LogError) -> Int {
    var status = statvfs()
    while unsafe statvfs(path, &status) != 0 {
      if errno != EINTR { throw failure("statvfs", path) }
    }
    let bytes = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return bytes.overflow ? .max : Int(clamping: bytes.partialValue)
  }

  /// `rename(2)`.
  static func rename(_ path: String, to newPath: String) throws(LogError) {
    guard unsafe Glibc.rename(path, newPath) == 0 else { throw failure("rename", path) }
  }

  /// `unlink(2)`.
  static func remove(_ path: String) throws(LogError) {
    guard unsafe unlink(path) == 0 else { throw failure("unlink", path) }
  }

  /// `mkdir(2)`. False where a folder of that name is there already, which is as good.
  static func makeDirectory(_ path: String) throws(LogError) -> Bool {
    if unsafe mkdir(path, 0o700) == 0 {
      let descriptor = try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      defer { close(descriptor) }
      FileOwnership.inherit(descriptor, from: FileOwnership.folder(of: path))
      return true
    }
    if errno == EEXIST { return false }
    throw failure("mkdir", path)
  }

  /// `opendir(3)`, `readdir(3)`: the names in a folder but for `.` and `..`.
  package static func fileNames(_ path: String) throws(LogError) -> [String] {
    guard let directory = unsafe opendir(path) else { throw failure("opendir", path) }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
