import Glibc

/// System calls on paths.
extension FileSystem {
  /// Throws if `path`, which LMDB is about to open, is not a regular file that belongs there.
  package static func checkName(_ path: String) throws(Failure) {
    try run("open", path) { SecureOpen.checkName(path) }
  }

  /// Throws if the directory at `path` is a link that root must not follow; see `SecureOpen`.
  package static func checkFolder(_ path: String, in store: String) throws(Failure) {
    try run("open", path) { SecureOpen.checkFolder(path, in: store) }
  }

  /// Throws the error that opening `path` for reading and writing would give, without opening it: closing a second
  /// descriptor of a file drops the record locks that this process holds on it. faccessat(2).
  package static func checkMayWrite(_ path: String) throws(Failure) {
    try run("open", path) { unsafe faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) }
  }

  /// Whether anything exists at `path`; access(2).
  package static func exists(_ path: String) throws(Failure) -> Bool {
    try translating { () throws(IOError) in
      try unlessMissing { () throws(IOError) in
        try call("access", path) { unsafe access(path, F_OK) }
      } != nil
    }
  }

  /// Whether certainly nothing exists at `path`; access(2).
  package static func isMissing(_ path: String) -> Bool {
    unsafe access(path, F_OK) != 0 && [ENOENT, ENOTDIR].contains(errno)
  }

  /// The status of the file at `path`, nil if there is none; stat(2).
  package static func status(of path: String) throws(Failure) -> stat? {
    var status = stat()
    return try translating { () throws(IOError) in
      try unlessMissing { () throws(IOError) in
        try call("stat", path) { unsafe stat(path, &status) }
      }
    }.map { _ in status }
  }

  /// rename(2).
  package static func rename(_ path: String, to newPath: String) throws(Failure) {
    try run("rename", path) { unsafe Glibc.rename(path, newPath) }
  }

  /// unlink(2).
  package static func remove(_ path: String) throws(Failure) {
    try run("remove", path) { unsafe unlink(path) }
  }

  /// unlink(2); succeeds if there is no such file.
  static func removeIfThere(_ path: String) throws(Failure) {
    try translating { () throws(IOError) in
      _ = try unlessMissing { () throws(IOError) in
        try call("remove", path) { unsafe unlink(path) }
      }
    }
  }

  private static func unlessMissing(_ body: () throws(IOError) -> Int32) throws(IOError) -> Int32? {
    do throws(IOError) {
      return try body()
    } catch let error where error.errno == ENOENT {
      return nil
    }
  }
}

// MARK: Directories

extension FileSystem {
  /// mkdir(2). Returns false and does nothing if the directory exists.
  @discardableResult
  package static func makeDirectory(_ path: String) throws(Failure) -> Bool {
    do throws(IOError) {
      _ = try call("create directory", path) { unsafe mkdir(path, directoryMode) }
    } catch let error where error.errno == EEXIST {
      _ = try open(path, O_RDONLY | O_DIRECTORY)
      return false
    } catch {
      throw Failure(error)
    }
    let made = try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    FileOwnership.inherit(made.raw, from: FileOwnership.folder(of: path))
    return true
  }

  /// rmdir(2).
  package static func removeDirectory(_ path: String) throws(Failure) {
    try run("remove directory", path) { unsafe rmdir(path) }
  }

  /// Makes the entries of a directory durable: creations, renames and removals. fsync(2).
  package static func syncDirectory(_ path: String) throws(Failure) {
    try sync(try open(path, O_RDONLY | O_DIRECTORY))
  }

  /// All names in a directory except `.` and `..`, unordered. opendir(3), readdir(3); O(names).
  ///
  /// A listing that an error cuts short is an error: a caller that took it for the whole could remove what it
  /// did not see.
  package static func names(in path: String) throws(Failure) -> [String] {
    guard let directory = unsafe opendir(path) else { throw error(errno, "list", path) }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        let code = errno
        if code == 0 { return names }
        throw error(code, "list", path)
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  /// Removes a directory and the files in it (one level deep). If `path` is a link to a directory, removes only the
  /// link.
  package static func removeTree(_ path: String) throws(Failure) {
    let folder: FileDescriptor
    do throws(IOError) {
      folder = try FileSystem<IOError>.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch let error where error.errno == ELOOP {
      return try remove(path)
    } catch {
      throw Failure(error)
    }
    try removeFiles(of: folder)
    try removeDirectory(path)
  }

  /// Unlinks relative to the open descriptor, so replacing the path meanwhile is harmless: names listed from
  /// another directory are at worst not found. unlinkat(2).
  private static func removeFiles(of folder: borrowing FileDescriptor) throws(Failure) {
    let raw = folder.raw
    for name in try names(in: folder.path) {
      try run("remove", "\(folder.path)/\(name)") { unsafe unlinkat(raw, name, 0) }
    }
  }
}
