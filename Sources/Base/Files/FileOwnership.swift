import Glibc

/// Whom a file belongs to that root makes in a folder of another user's.
///
/// A tool that an operator runs as root (`kvd recover`) must leave nothing behind that the service's own
/// user cannot open. So what root makes is given to the owner of the folder that it is made in.
package enum FileOwnership {
  /// Gives the open file or folder to the owner of `folder`, its parent, if this process is root's: one that it has
  /// just made, or that another made which a crash kept from it.
  ///
  /// Only what is root's and has no other name is given away: something else may have got the name meanwhile.
  /// What cannot be given away is left as it is: a root without that right (`CAP_CHOWN`), or a file system
  /// without owners, must not keep a store from being used. geteuid(2), stat(2), fchown(2).
  package static func inherit(_ descriptor: Int32, from folder: String) {
    guard geteuid() == 0, let parent = FileOpening.status(of: folder) else { return }
    give(descriptor, to: parent)
  }

  /// Gives the open file or folder to the owner of what `model` describes, on the same terms.
  package static func give(_ descriptor: Int32, to model: stat) {
    guard geteuid() == 0, let own = FileOpening.status(of: descriptor), isRoots(own) else { return }
    if own.st_uid == model.st_uid && own.st_gid == model.st_gid { return }
    _ = fchown(descriptor, model.st_uid, model.st_gid)
  }

  private static func isRoots(_ status: stat) -> Bool {
    guard status.st_uid == 0 else { return false }
    let kind = status.st_mode & S_IFMT
    return kind == S_IFDIR || kind == S_IFREG && status.st_nlink == 1
  }

  /// The folder that `path` names something in.
  package static func folder(of path: String) -> String {
    var path = path[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
