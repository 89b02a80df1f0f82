import Glibc

/// The system calls on files of the log and of the store, one function each. (LMDB makes its own.)
///
/// Each is made again when a signal interrupts it, reads and writes go on until they are whole, and what fails is
/// thrown as the error of the layer that calls: `FileSystem<StoreError>` has that of the store.
package enum FileSystem<Failure: IOFailure> {
  /// For the owner of the store alone, whatever the process's umask is.
  package static var fileMode: mode_t { 0o600 }
  package static var directoryMode: mode_t { 0o700 }

  /// The error for a call that has failed with `code`.
  package static func error(_ code: Int32, _ operation: String, _ path: String) -> Failure {
    Failure(IOError(code, operation, path))
  }

  /// Makes a call that answers -1 and `errno`, again as long as a signal interrupts it.
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

  /// Has the layer's own error in place of an `IOError`.
  static func translating<Result: ~Copyable>(
    _ body: () throws(IOError) -> Result
  ) throws(Failure) -> Result {
    do throws(IOError) {
      return try body()
    } catch {
      throw Failure(error)
    }
  }

  /// The same for a call whose number is not needed.
  static func run(_ operation: String, _ path: String, _ body: () -> Int32) throws(Failure) {
    try translating { () throws(IOError) in _ = try call(operation, path, body) }
  }
}

extension IOError {
  /// A call that has failed just now; looks why a full disk is full.
  init(_ code: Int32, _ operation: String, _ path: String) {
    self.init(errno: code, operation: operation, path: path)
    lacksInodes = isDiskFull && DiskSpace.lacksInodes(at: path)
  }
}

// MARK: Open files

extension FileSystem {
  /// open(2), as `FileOpening` does it: no link is followed to a file. What root makes is given to the owner of
  /// the folder.
  package static func open(
    _ path: String, _ flags: Int32, mode: mode_t = 0
  ) throws(Failure) -> FileDescriptor {
    try translating { () throws(IOError) in
      FileDescriptor(
        raw: try call("open", path) { FileOpening.open(path, flags, mode: mode) }, path: path)
    }
  }

  /// open(2) for reading a file that a person has named: wherever a link leads, and whatever kind it is.
  package static func openNamed(_ path: String) throws(Failure) -> FileDescriptor {
    try translating { () throws(IOError) in
      FileDescriptor(
        raw: try call("open", path) { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC) }, path: path)
    }
  }

  /// Makes an empty file for writing in the place of what has that name. unlink(2), open(2) with `O_EXCL`.
  package static func replace(_ path: String) throws(Failure) -> FileDescriptor {
    try removeIfThere(path)
    return try open(path, O_WRONLY | O_CREAT | O_EXCL, mode: fileMode)
  }

  /// Makes an empty file, where there is none; open(2) with `O_CREAT`.
  package static func createEmpty(_ path: String) throws(Failure) {
    try sync(try open(path, O_WRONLY | O_CREAT, mode: fileMode))
  }

  /// fstat(2).
  package static func status(of file: borrowing FileDescriptor) throws(Failure) -> stat {
    var status = stat()
    let raw = file.raw
    try run("look at", file.path) { unsafe fstat(raw, &status) }
    return status
  }

  /// The length of the file; fstat(2).
  package static func byteCount(of file: borrowing FileDescriptor) throws(Failure) -> Int {
    Int(try status(of: file).st_size)
  }

  /// The bytes from `offset`, fewer than `count` only where the file ends before; pread(2).
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

  /// All of `bytes`; pwrite(2).
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

  /// Makes the file at least `byteCount` long, with disk behind all of it; posix_fallocate(3).
  package static func reserve(_ byteCount: Int, of file: borrowing FileDescriptor) throws(Failure) {
    let code = posix_fallocate(file.raw, 0, off_t(byteCount))
    if code != 0 && code != EINTR { throw error(code, "reserve room for", file.path) }
  }

  /// fsync(2). Not made again whatever it says, and after a throw the file is not trusted any more: the kernel may
  /// have dropped its pages, so that a second call would succeed without having written them.
  package static func sync(_ file: borrowing FileDescriptor) throws(Failure) {
    guard fsync(file.raw) == 0 else { throw error(errno, "sync", file.path) }
  }

  /// fdatasync(2), on the same terms: the bytes, and the length if it has changed.
  package static func syncData(_ file: borrowing FileDescriptor) throws(Failure) {
    guard fdatasync(file.raw) == 0 else { throw error(errno, "sync", file.path) }
  }

  /// fcntl(2), `FD_CLOEXEC`.
  package static func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// Gives the file to the owner of what `model` describes, if this process is root's.
  package static func give(_ file: borrowing FileDescriptor, to model: stat) {
    FileOwnership.give(file.raw, to: model)
  }
}
