import Base
import Glibc
import TxnWAL

/// The system calls of the store's own small files: manifest, lock, directories. One wrapper per call:
/// it tries again after `EINTR`, finishes short reads and writes, and names operation and path in
/// what it throws. (The log has its own device; LMDB does its own.)
enum FileSystem {
  static let fileMode: mode_t = 0o600
  static let directoryMode: mode_t = 0o700

  /// The table from `errno` to an error: full disks have a case of their own.
  static func error(_ code: Int32, _ operation: String, _ path: String) -> StoreError {
    code == ENOSPC || code == EDQUOT
      ? .diskFull(path: path, lacksInodes: SystemCall.lacksInodes(at: path))
      : .io(errno: code, operation: operation, path: path)
  }

  /// Runs a call that answers -1 and `errno`, again as long as a signal interrupts it.
  private static func call<Result: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> Result
  ) throws(StoreError) -> Result {
    while true {
      let result = body()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw error(code, operation, path) }
    }
  }

  /// open(2), as `FileOpening` does it: no link is followed to a file. What root makes is given to the owner of
  /// the folder.
  static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(StoreError)
    -> FileDescriptor
  {
    let raw = try call("open", path) { FileOpening.open(path, flags, mode: mode) }
    return FileDescriptor(raw: raw, path: path)
  }

  /// open(2) for reading a file that a person has named: wherever a link leads, and whatever kind it is.
  static func openNamed(_ path: String) throws(StoreError) -> FileDescriptor {
    let raw = try call("open", path) { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC) }
    return FileDescriptor(raw: raw, path: path)
  }

  /// Makes an empty file for writing in the place of whatever has that name. unlink(2), open(2) with `O_EXCL`.
  static func replace(_ path: String) throws(StoreError) -> FileDescriptor {
    do throws(StoreError) {
      try remove(path)
    } catch .io(errno: ENOENT, operation: _, path: _) {
    } catch {
      throw error
    }
    return try open(path, O_WRONLY | O_CREAT | O_EXCL, mode: fileMode)
  }

  /// Throws where something else than a file has the name of one that LMDB is going to open.
  static func checkName(_ path: String) throws(StoreError) {
    _ = try call("open", path) { FileOpening.checkName(path) }
  }

  /// Throws where the folder at `path` is a link that root must not follow, as `FileOpening` tells.
  static func checkFolder(_ path: String, in store: String) throws(StoreError) {
    _ = try call("open", path) { FileOpening.checkFolder(path, in: store) }
  }

  /// Whether there is anything at `path`; access(2).
  static func exists(_ path: String) throws(StoreError) -> Bool {
    do throws(StoreError) {
      _ = try call("access", path) { unsafe access(path, F_OK) }
      return true
    } catch .io(errno: ENOENT, operation: _, path: _) {
      return false
    }
  }

  /// Throws what opening the file at `path` for reading and writing would, without opening it: closing a
  /// second descriptor of a file drops the record locks that this process has on it. faccessat(2).
  static func checkMayWrite(_ path: String) throws(StoreError) {
    _ = try call("open", path) {
      unsafe faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS)
    }
  }

  /// fstat(2).
  static func status(of file: borrowing FileDescriptor) throws(StoreError) -> stat {
    var status = stat()
    let raw = file.raw
    _ = try call("fstat", file.path) { unsafe fstat(raw, &status) }
    return status
  }

  static func byteCount(of file: borrowing FileDescriptor) throws(StoreError) -> Int {
    Int(try status(of: file).st_size)
  }

  /// The bytes from `offset`, fewer than `count` only if the file ends before; pread(2).
  static func read(_ count: Int, at offset: Int, from file: borrowing FileDescriptor)
    throws(StoreError) -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    let raw = file.raw
    while done < count {
      let got = try call("read", file.path) {
        unsafe bytes.withUnsafeMutableBytes { buffer in
          unsafe pread(raw, buffer.baseAddress! + done, count - done, off_t(offset + done))
        }
      }
      if got == 0 { break }
      done += got
    }
    bytes.removeLast(count - done)
    return bytes
  }

  /// All of `bytes`; pwrite(2).
  static func write(_ bytes: [UInt8], at offset: Int, to file: borrowing FileDescriptor)
    throws(StoreError)
  {
    var done = 0
    let raw = file.raw
    while done < bytes.count {
      done += try call("write", file.path) {
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe pwrite(
            raw, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
        }
      }
    }
  }

  /// ftruncate(2).
  static func truncate(_ file: borrowing FileDescriptor, to byteCount: Int) throws(StoreError) {
    let raw = file.raw
    _ = try call("truncate", file.path) { ftruncate(raw, off_t(byteCount)) }
  }

  /// fsync(2). After a throw the file is not trusted again: the kernel may have dropped its pages.
  static func sync(_ file: borrowing FileDescriptor) throws(StoreError) {
    let raw = file.raw
    _ = try call("sync", file.path) { fsync(raw) }
  }

  /// Makes the file at least `byteCount` long, with disk behind all of it; posix_fallocate(3).
  static func reserve(_ byteCount: Int, of file: borrowing FileDescriptor) throws(StoreError) {
    let code = posix_fallocate(file.raw, 0, off_t(byteCount))
    if code != 0 && code != EINTR { throw error(code, "reserve room for", file.path) }
  }

  /// Which file a descriptor is of, nil if it is none; fstat(2).
  static func identity(ofRaw descriptor: Int32) -> OpenEnvironments.FileIdentity? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return OpenEnvironments.FileIdentity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// The same of a path; stat(2).
  static func identity(at path: String) -> OpenEnvironments.FileIdentity? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return OpenEnvironments.FileIdentity(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// Whether there is certainly nothing at `path`; access(2).
  static func isMissing(_ path: String) -> Bool {
    unsafe access(path, F_OK) != 0 && [ENOENT, ENOTDIR].contains(errno)
  }

  /// fcntl(2), `FD_CLOEXEC`.
  static func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// Makes the entries of a directory durable: new files, and what was renamed or removed.
  static func syncDirectory(_ path: String) throws(StoreError) {
    try sync(try open(path, O_RDONLY | O_DIRECTORY))
  }

  /// mkdir(2). False, and nothing is done, if there is a directory already.
  @discardableResult
  static func makeDirectory(_ path: String) throws(StoreError) -> Bool {
    do throws(StoreError) {
      _ = try call("make directory", path) { unsafe mkdir(path, directoryMode) }
    } catch .io(errno: EEXIST, operation: _, path: _) {
      _ = try open(path, O_RDONLY | O_DIRECTORY)
      return false
    }
    let made = try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    FileOwnership.inherit(made.raw, from: FileOwnership.folder(of: path))
    return true
  }

  /// Gives the file to the owner of what `model` describes, if this process is root's.
  static func give(_ file: borrowing FileDescriptor, to model: stat) {
    FileOwnership.give(file.raw, to: model)
  }

  /// rmdir(2).
  static func removeDirectory(_ path: String) throws(StoreError) {
    _ = try call("remove directory", path) { unsafe rmdir(path) }
  }

  /// What is known of the file at `path`, nil if there is none; stat(2).
  static func status(of path: String) throws(StoreError) -> stat? {
    var status = stat()
    do throws(StoreError) {
      _ = try call("stat", path) { unsafe stat(path, &status) }
      return status
    } catch .io(errno: ENOENT, operation: _, path: _) {
      return nil
    }
  }

  /// rename(2).
  static func rename(_ path: String, to newPath: String) throws(StoreError) {
    _ = try call("rename", path) { unsafe Glibc.rename(path, newPath) }
  }

  /// unlink(2).
  static func remove(_ path: String) throws(StoreError) {
    _ = try call("remove", path) { unsafe unlink(path) }
  }

  /// Size of, and room for this user on, the file system that holds `path`; statvfs(3).
  static func space(at path: String) throws(StoreError) -> (total: UInt64, available: UInt64) {
    var status = statvfs()
    _ = try call("statvfs", path) { unsafe statvfs(path, &status) }
    let unit = UInt64(status.f_frsize)
    return (
      UInt64(status.f_blocks).multipliedReportingOverflow(by: unit).partialValue,
      UInt64(status.f_bavail).multipliedReportingOverflow(by: unit).partialValue
    )
  }
}

extension FileSystem {
  /// The names in a folder but for `.` and `..`.
  static func names(in path: String) throws(StoreError) -> [String] {
    try translatingLogErrors { () throws(LogError) in try SystemCall.fileNames(path) }
  }

  /// Removes a folder of files, one level deep; of a link to a folder, the link alone.
  static func removeTree(_ path: String) throws(StoreError) {
    do throws(StoreError) {
      try removeFiles(of: try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    } catch .io(errno: ELOOP, operation: _, path: _) {
      return try remove(path)
    }
    try removeDirectory(path)
  }

  /// Wherever its name leads by now: the worst that another folder's names can do is not to be found. unlinkat(2).
  private static func removeFiles(of folder: borrowing FileDescriptor) throws(StoreError) {
    let raw = folder.raw
    for name in try names(in: folder.path) {
      _ = try call("remove", "\(folder.path)/\(name)") { unsafe unlinkat(raw, name, 0) }
    }
  }

  /// Makes an empty file, where there is none; open(2) with `O_CREAT`.
  static func createEmpty(_ path: String) throws(StoreError) {
    let file = try open(path, O_WRONLY | O_CREAT, mode: fileMode)
    try sync(file)
  }

  /// The time of day in milliseconds since 1970; clock_gettime(2).
  static func millisecondsNow() -> UInt64 {
    UInt64(clamping: nanosecondsNow(monotonic: false) / 1_000_000)
  }

  /// Since 1970, or since some moment on a clock that nobody sets. clock_gettime(2).
  static func nanosecondsNow(monotonic: Bool) -> Int64 {
    var now = timespec()
    unsafe clock_gettime(monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) &* 1_000_000_000 &+ Int64(now.tv_nsec)
  }
}
