import Glibc

/// The room on a file system, as far as it tells: a quota, for example, may allow less. statvfs(3).
package struct DiskSpace {
  /// Its size in bytes.
  package let total: UInt64
  /// What this user may still take, in bytes.
  package let available: UInt64

  fileprivate init(_ status: statvfs) {
    func bytes(_ count: UInt64) -> UInt64 {
      let product = count.multipliedReportingOverflow(by: UInt64(status.f_frsize))
      return product.overflow ? .max : product.partialValue
    }
    total = bytes(UInt64(status.f_blocks))
    available = bytes(UInt64(status.f_bavail))
  }

  /// Whether the file system of `path` has room, but can make no more files, of which the system says the same
  /// number. A path that does not exist counts as its folder.
  package static func lacksInodes(at path: String) -> Bool {
    var status = statvfs()
    if unsafe statvfs(path, &status) != 0,
      unsafe statvfs(FileOwnership.folder(of: path), &status) != 0
    {
      return false
    }
    return status.f_files > 0 && status.f_favail == 0 && status.f_bavail > 0
  }
}

extension FileSystem {
  /// The room on the file system that holds `path`; statvfs(3).
  package static func space(at path: String) throws(Failure) -> DiskSpace {
    var status = statvfs()
    try run("look for room at", path) { unsafe statvfs(path, &status) }
    return DiskSpace(status)
  }
}
