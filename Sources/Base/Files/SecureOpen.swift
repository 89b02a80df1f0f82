import Glibc

/// Opens the files of a store so that no other file can be substituted for them.
///
/// A tool run by root (`kvd recover`) opens files in directories owned by the service's user. That user may have
/// replaced any of them with a symbolic link, or with a hard link to another user's file, and root would write to
/// that file or change its owner. So links to files are never followed, and a file is checked through its
/// descriptor after it was opened; from then on its name does not matter.
///
/// Every function here reports failure like a system call: -1, with the reason in `errno`.
///
///     errno     what was found under the name
///     ELOOP     a symbolic link
///     ENXIO     a pipe, a socket or a device
///     EMLINK    a hard link, one of several names of a file that the directory's owner does not own
package enum SecureOpen {
  /// open(2) with `O_CLOEXEC`. For directories (`O_DIRECTORY`) links are followed unless `O_NOFOLLOW` is given.
  ///
  /// With `O_CREAT` an existing file is opened as it is. A file created by this call gets the owner of its
  /// directory, see `FileOwnership`. So does an existing file of root's with a single name: a crash may have
  /// prevented the change of owner.
  package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
    if flags & O_DIRECTORY != 0 { return openFolder(path, flags) }
    // `O_NONBLOCK`: a pipe is refused instead of waited for. It has no effect on a regular file.
    let flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    let makingNew = O_CREAT | O_EXCL
    while true {
      if flags & makingNew != makingNew {
        let descriptor = unsafe Glibc.open(path, flags & ~O_CREAT)
        if descriptor >= 0 { return check(descriptor, path, creating: flags & O_CREAT != 0) }
        if flags & O_CREAT == 0 || errno != ENOENT { return -1 }
      }
      let descriptor = unsafe Glibc.open(path, flags | O_EXCL, mode)
      if descriptor >= 0 {
        FileOwnership.inherit(descriptor, from: FileOwnership.folder(of: path))
        return descriptor
      }
      // Another process created the file first; open that one.
      if errno != EEXIST || flags & O_EXCL != 0 { return -1 }
    }
  }

  private static func openFolder(_ path: String, _ flags: Int32) -> Int32 {
    let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC)
    // Linux reports a link as `ENOTDIR`.
    if descriptor < 0, errno == ENOTDIR, flags & O_NOFOLLOW != 0 {
      errno = isLink(path) ? ELOOP : ENOTDIR
    }
    return descriptor
  }

  /// Closes the file again if it does not belong to the store.
  private static func check(_ descriptor: Int32, _ path: String, creating: Bool) -> Int32 {
    let folder = FileOwnership.folder(of: path)
    let reason = status(of: descriptor).map { fault($0, in: folder) } ?? errno
    if reason == 0 {
      if creating { FileOwnership.inherit(descriptor, from: folder) }
      return descriptor
    }
    close(descriptor)
    errno = reason
    return -1
  }

  /// The errno for a file that does not belong to the store in `folder`, or 0. (A directory fails when it is read.)
  private static func fault(_ status: stat, in folder: String) -> Int32 {
    switch status.st_mode & S_IFMT {
    case S_IFLNK: return ELOOP
    case S_IFDIR: return 0
    case S_IFREG: break
    default: return ENXIO
    }
    // Only root can do to another user's file what the user who placed the name here could not. Files owned by root
    // are refused as well, even by a root without `CAP_CHOWN`: nothing tells a store's file from /etc/shadow.
    guard geteuid() == 0, status.st_nlink > 1, let parent = Self.status(of: folder) else {
      return 0
    }
    return parent.st_uid == 0 || parent.st_uid == status.st_uid ? 0 : EMLINK
  }

  /// Checks a name before another library opens it: returns 0, or -1 if the file does not belong to the store. A
  /// missing file is no fault. lstat(2).
  package static func checkName(_ path: String) -> Int32 {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return errno == ENOENT ? 0 : -1 }
    let reason = fault(status, in: FileOwnership.folder(of: path))
    if reason == 0 { return 0 }
    errno = reason
    return -1
  }

  /// Checks whether root may use the directory at `path`, that of a partition or of the log. Returns 0, or -1 with
  /// `ELOOP` for a link to a directory that belongs neither to root nor to the owner of `store`.
  ///
  /// Operators put partitions on other disks with such links. Nothing is opened here, so the service's user can
  /// change the link right after the check. In the new target root only opens files that must already exist and be
  /// valid files of a partition or of the log, never through a link.
  package static func checkFolder(_ path: String, in store: String) -> Int32 {
    guard geteuid() == 0, isLink(path), let target = status(of: path), target.st_uid != 0 else {
      return 0
    }
    if target.st_uid == status(of: store)?.st_uid { return 0 }
    errno = ELOOP
    return -1
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// stat(2); nil if it fails.
  package static func status(of path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// fstat(2); nil if it fails.
  package static func status(of descriptor: Int32) -> stat? {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? status : nil
  }
}
