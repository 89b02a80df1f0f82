import Synchronization

/// The data files that this process has open.
///
/// LMDB must not open one file twice in one process: closing either of the two drops the locks of both
/// (POSIX record locks belong to the process), and a reader's slot can be reused under it.
enum OpenEnvironments {
  struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  private static let open = Mutex<Set<FileIdentity>>([])

  /// - Throws: `.locked` if this process has the file open already.
  static func claim(_ file: borrowing FileDescriptor) throws(StoreError) -> FileIdentity {
    let status = try FileSystem.status(of: file)
    let identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    guard open.withLock({ $0.insert(identity).inserted }) else {
      throw .locked(path: file.path, holder: "this process")
    }
    return identity
  }

  /// Keeps the data files out of processes that this one may start: LMDB opens them without
  /// `O_CLOEXEC`. O(open descriptors).
  static func closeOnExec() {
    let files = open.withLock { $0 }
    guard let names = try? FileSystem.names(in: "/proc/self/fd") else { return }
    for descriptor in names.compactMap({ Int32($0) }) {
      guard let identity = FileSystem.identity(ofRaw: descriptor), files.contains(identity) else {
        continue
      }
      FileSystem.closeOnExec(descriptor)
    }
  }

  static func release(_ identity: FileIdentity) {
    open.withLock { _ = $0.remove(identity) }
  }
}
