import Glibc

/// Sets the owner of files that root creates in another user's directory.
///
/// A tool that an operator runs as root (`kvd recover`) must not leave files that the service's own user cannot
/// open. So a file created by root gets the owner of its directory.
package enum FileOwnership {
  /// Gives an open file or directory the owner of its parent `folder`, if this process runs as root. Used for files
  /// just created, and for files whose change of owner a crash prevented.
  ///
  /// Only a file that root owns and that has no other name is changed: its name may have been taken by another
  /// file. Failure to change the owner is ignored: a root without `CAP_CHOWN`, or a file system without owners,
  /// must still be able to use a store. geteuid(2), stat(2), fchown(2).
  package static func inherit(_ descriptor: Int32, from folder: String) {
    guard geteuid() == 0, let parent = SecureOpen.status(of: folder) else { return }
    give(descriptor, to: parent)
  }

  /// Gives an open file or directory the owner described by `model`, under the same conditions.
  package static func give(_ descriptor: Int32, to model: stat) {
    guard geteuid() == 0, let own = SecureOpen.status(of: descriptor), isRoots(own) else { return }
    if own.st_uid == model.st_uid && own.st_gid == model.st_gid { return }
    _ = fchown(descriptor, model.st_uid, model.st_gid)
  }

  private static func isRoots(_ status: stat) -> Bool {
    guard status.st_uid == 0 else { return false }
    let kind = status.st_mode & S_IFMT
    return kind == S_IFDIR || kind == S_IFREG && status.st_nlink == 1
  }

  /// The directory that contains `path`.
  package static func folder(of path: String) -> String {
    var path = path[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
