import Base

/// The data files that this process has open.
///
/// LMDB must not open one file twice in one process: closing either of the two drops the locks of both
/// (POSIX record locks belong to the process), and a reader's slot can be reused under it.
enum OpenEnvironments {
  /// That a file is open, and the duty to say when it is not. It has the file open itself: one that is
  /// removed meanwhile keeps its inode number, and a new file that got it would be taken for this one.
  struct Claim: ~Copyable, Sendable {
    let file: FileDescriptor
    fileprivate let identity: FileIdentity

    fileprivate init(file: consuming FileDescriptor, identity: FileIdentity) {
      self.file = file
      self.identity = identity
    }

    /// How long the file is now.
    func byteCount() throws(StoreError) -> Int { try Files.byteCount(of: file) }

    // Runs before the file is closed.
    deinit {
      FileLock.release(file)
      let identity = identity
      OpenEnvironments.open.withLock { _ = $0.remove(identity) }
    }
  }

  private static let open = Lock<Set<FileIdentity>>([])
  /// Those that stay open until the process ends.
  private static let kept = Lock<[LMDBEnvironment]>([])

  /// Keeps `environment`, which can never be closed, within reach of whatever looks for lost memory.
  static func keep(_ environment: LMDBEnvironment) { kept.withLock { $0.append(environment) } }

  /// - Throws: `.locked` if this process has the file open already, or another one in a way that does not go
  ///   with `access`.
  static func claim(
    _ file: consuming FileDescriptor, _ access: LMDBAccess = .exclusive
  ) throws(StoreError) -> Claim {
    let identity = FileIdentity(try Files.status(of: file))
    guard open.withLock({ $0.insert(identity).inserted }) else {
      throw .locked(path: file.path, holder: "this process")
    }
    let claim = Claim(file: file, identity: identity)
    try access.lock(claim.file)
    return claim
  }

  /// Keeps the data files out of processes that this one may start: LMDB opens them without
  /// `O_CLOEXEC`. O(open descriptors).
  static func closeOnExec() {
    let files = open.withLock { $0 }
    guard let names = try? Files.names(in: "/proc/self/fd") else { return }
    for descriptor in names.compactMap({ Int32($0) }) {
      guard let identity = FileIdentity(ofRaw: descriptor), files.contains(identity) else {
        continue
      }
      Files.closeOnExec(descriptor)
    }
  }
}
