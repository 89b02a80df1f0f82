import Glibc

/// System calls on files of the log and of the store, one function each. (LMDB makes its own calls.)
///
/// Calls interrupted by a signal are retried, except syncs; reads and writes continue until complete.
/// Errors are thrown as the error type of the calling layer: `FileSystem<StoreError>` throws store errors.
package enum FileSystem<Failure: IOFailure> {
  /// Files are accessible only to the owner of the store, whatever the umask.
  package static var fileMode: mode_t { 0o600 }
  package static var directoryMode: mode_t { 0o700 }

  /// The layer's error for a call that failed with `code`.
  package static func error(_ code: Int32, _ operation: String, _ path: String) -> Failure {
    Failure(IOError(code, operation, path))
  }

  /// Makes a call that returns a negative value and sets `errno` on failure. Retries on `EINTR`.
  static func call<Result: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> Result
  ) throws(IOError) -> Result {
    while true {
      let result = body()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw IOError(code, operation, path) }
    }
  }

  /// Converts an `IOError` into the layer's error.
  static func translating<Result: ~Copyable>(
    _ body: () throws(IOError) -> Result
  ) throws(Failure) -> Result {
    do throws(IOError) {
      return try body()
    } catch {
      throw Failure(error)
    }
  }

  /// Like `call`, for a call whose result is not needed.
  static func run(_ operation: String, _ path: String, _ body: () -> Int32) throws(Failure) {
    try translating { () throws(IOError) in _ = try call(operation, path, body) }
  }
}

extension IOError {
  /// A call that has just failed. On a full disk, also determines whether inodes ran out.
  init(_ code: Int32, _ operation: String, _ path: String) {
    self.init(errno: code, operation: operation, path: path)
    lacksInodes = isDiskFull && DiskSpace.lacksInodes(at: path)
  }
}

// MARK: Open files

extension FileSystem {
  /// open(2) through `SecureOpen`: links to files are not followed, and files created by root get the owner of
  /// their directory.
  package static func open(
    _ path: String, _ flags: Int32, mode: mode_t = fileMode
  ) throws(Failure) -> FileDescriptor {
    try translating { () throws(IOError) in
      FileDescriptor(
        raw: try call("open", path) { SecureOpen.open(path, flags, mode: mode) }, path: path)
    }
  }

  /// open(2) for reading a file named by an operator: follows links, accepts any kind of file.
  package static func openFollowingLinks(_ path: String) throws(Failure) -> FileDescriptor {
    try translating { () throws(IOError) in
      FileDescriptor(
        raw: try call("open", path) { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC) }, path: path)
    }
  }

  /// Creates an empty file for writing, replacing any file of that name. unlink(2), open(2) with `O_EXCL`.
  package static func replace(_ path: String) throws(Failure) -> FileDescriptor {
    try removeIfThere(path)
    return try open(path, O_WRONLY | O_CREAT | O_EXCL, mode: fileMode)
  }

  /// Creates an empty file if there is none, and syncs it; open(2) with `O_CREAT`.
  package static func createEmpty(_ path: String) throws(Failure) {
    try sync(try open(path, O_WRONLY | O_CREAT, mode: fileMode))
  }

  /// fstat(2).
  package static func status(of file: borrowing FileDescriptor) throws(Failure) -> stat {
    var status = stat()
    let raw = file.raw
    try run("stat", file.path) { unsafe fstat(raw, &status) }
    return status
  }

  /// The length of the file; fstat(2).
  package static func byteCount(of file: borrowing FileDescriptor) throws(Failure) -> Int {
    Int(try status(of: file).st_size)
  }

  /// Reads `count` bytes at `offset`; fewer only at the end of the file. pread(2).
  package static func read(
    _ count: Int, at offset: Int, from file: borrowing FileDescriptor
  ) throws(Failure) -> [UInt8] {
    let raw = file.raw
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
      done = 0
      while done < count {
        let got = unsafe pread(raw, buffer.baseAddress! + done, count - done, off_t(offset + done))
        if got == 0 { return }
        if got > 0 {
          done += got
        } else if errno != EINTR {
          failure = errno
          return
        }
      }
    }
    if failure != 0 { throw error(failure, "read", file.path) }
    return bytes
  }

  /// Writes all of `bytes`; pwrite(2).
  package static func write(
    _ bytes: RawSpan, at offset: Int, to file: borrowing FileDescriptor
  ) throws(Failure) {
    let raw = file.raw
    let failure = unsafe bytes.withUnsafeBytes { buffer -> Int32 in
      var done = 0
      while done < buffer.count {
        let put = unsafe pwrite(
          raw, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
        if put >= 0 {
          done += put
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if failure != 0 { throw error(failure, "write", file.path) }
  }

  /// ftruncate(2).
  package static func truncate(_ file: borrowing FileDescriptor, to byteCount: Int) throws(Failure)
  {
    let raw = file.raw
    try run("truncate", file.path) { ftruncate(raw, off_t(byteCount)) }
  }

  /// Makes the file at least `byteCount` long with all its blocks allocated; posix_fallocate(3).
  package static func reserve(_ byteCount: Int, of file: borrowing FileDescriptor) throws(Failure) {
    while true {
      let code = posix_fallocate(file.raw, 0, off_t(byteCount))
      if code == 0 { return }
      // An interrupted call may have allocated a part of it, or nothing.
      if code != EINTR { throw error(code, "reserve space for", file.path) }
    }
  }

  /// fsync(2), never retried. After a throw the file must not be used: the kernel may have dropped the dirty pages,
  /// so a second call could succeed without having written them.
  package static func sync(_ file: borrowing FileDescriptor) throws(Failure) {
    guard fsync(file.raw) == 0 else { throw error(errno, "sync", file.path) }
  }

  /// fdatasync(2), under the same rule: syncs the data, and the length if it changed.
  package static func syncData(_ file: borrowing FileDescriptor) throws(Failure) {
    guard fdatasync(file.raw) == 0 else { throw error(errno, "sync", file.path) }
  }

  /// fcntl(2), `FD_CLOEXEC`.
  package static func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// Gives the file the owner described by `model`, if this process runs as root.
  package static func give(_ file: borrowing FileDescriptor, to model: stat) {
    FileOwnership.give(file.raw, to: model)
  }
}
