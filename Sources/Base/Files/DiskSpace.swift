import Glibc

/// Free space on a file system, as reported by statvfs(3). A quota, for example, may allow less.
package struct DiskSpace {
  /// Size of the file system, in bytes.
  package let total: UInt64
  /// Space still available to this user, in bytes.
  package let available: UInt64

  fileprivate init(_ status: statvfs) {
    func bytes(_ count: UInt64) -> UInt64 {
      let product = count.multipliedReportingOverflow(by: UInt64(status.f_frsize))
      return product.overflow ? .max : product.partialValue
    }
    total = bytes(UInt64(status.f_blocks))
    available = bytes(UInt64(status.f_bavail))
  }

  /// Whether the file system of `path` has free space but no free inodes, for which the system returns the same
  /// errno. If `path` does not exist, its directory is used.
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
  /// Free space on the file system that holds `path`; statvfs(3).
  package static func space(at path: String) throws(Failure) -> DiskSpace {
    var status = statvfs()
    try run("check free space at", path) { unsafe statvfs(path, &status) }
    return DiskSpace(status)
  }
}
