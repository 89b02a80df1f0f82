import Glibc

/// Opening the files of a store so that nobody can put another file in their place.
///
/// A tool that root runs (`kvd recover`) opens files in folders that belong to the service's user. That user may have
/// put a symbolic link, or a second name of another user's file, in the place of any of them, and root would write to
/// that file or give it away. So no symbolic link is followed to a file, and what is opened is looked at through its
/// descriptor, after which its name does not matter any more.
///
/// Everything here answers as the system calls do: -1, and the reason in `errno`.
///
///     errno     what has the file's name
///     ELOOP     a symbolic link
///     ENXIO     a pipe, a socket or a device
///     EMLINK    one of several names of a file of another user than the folder's
package enum FileOpening {
  /// open(2) with `O_CLOEXEC`. Folders (`O_DIRECTORY`) are found through links, unless `O_NOFOLLOW` is given.
  ///
  /// With `O_CREAT` a file that is there is opened as it is. One that this call makes is given to the owner of the
  /// folder, as `FileOwnership` tells; so is one of root's that has no other name, which a crash may have kept from it.
  package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
    if flags & O_DIRECTORY != 0 { return openFolder(path, flags) }
    // So that a pipe is refused and not waited for; a regular file knows no difference.
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
      // Another process was quicker: then the file is there now.
      if errno != EEXIST || flags & O_EXCL != 0 { return -1 }
    }
  }

  private static func openFolder(_ path: String, _ flags: Int32) -> Int32 {
    let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC)
    // Linux says that a link is no directory.
    if descriptor < 0, errno == ENOTDIR, flags & O_NOFOLLOW != 0 {
      errno = isLink(path) ? ELOOP : ENOTDIR
    }
    return descriptor
  }

  /// Closes the file again where it is not one that belongs here.
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

  /// What is wrong with a file of the store in `folder`, 0 where nothing is. (A folder shows when it is read.)
  private static func fault(_ status: stat, in folder: String) -> Int32 {
    switch status.st_mode & S_IFMT {
    case S_IFLNK: return ELOOP
    case S_IFDIR: return 0
    case S_IFREG: break
    default: return ENXIO
    }
    // Only root can do to another user's file what the one who named it here could not. That holds for root's own as
    // well: no right that it lacks (`CAP_CHOWN`) tells a store's file from /etc/shadow.
    guard geteuid() == 0, status.st_nlink > 1, let parent = Self.status(of: folder) else {
      return 0
    }
    return parent.st_uid == 0 || parent.st_uid == status.st_uid ? 0 : EMLINK
  }

  /// Looks at the name alone, for a file that another library opens: 0, or -1 where it is not one that belongs here.
  /// What does not exist is no fault. lstat(2).
  package static func checkName(_ path: String) -> Int32 {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return errno == ENOENT ? 0 : -1 }
    let reason = fault(status, in: FileOwnership.folder(of: path))
    if reason == 0 { return 0 }
    errno = reason
    return -1
  }

  /// Looks whether the folder at `path`, a partition's or the log's, may be used by root: 0, or -1 and `ELOOP` for a
  /// link to a folder that belongs neither to root nor to the owner of `store`.
  ///
  /// Operators put partitions on other disks by such links. Nothing is opened here, so the service's user can change the
  /// link right afterwards: what root then does in the other folder is to open files that must be there and be a
  /// partition's or the log's, none of them through a link.
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

  /// stat(2), nil where it fails.
  package static func status(of path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }

  /// fstat(2), nil where it fails.
  package static func status(of descriptor: Int32) -> stat? {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 ? status : nil
  }
}
