import Base

/// The data files that this process has open.
///
/// LMDB must not open one file twice in one process: closing either of the two drops the locks of both (POSIX
/// record locks belong to the process), and a reader's slot can be reused while it is in use.
enum OpenEnvironments {
  /// Registers a file as open until the claim is destroyed. The claim keeps the file open itself: a file that is
  /// removed meanwhile then keeps its inode number, so no new file can get it and be mistaken for this one.
  struct Claim: ~Copyable, Sendable {
    let file: FileDescriptor
    fileprivate let identity: FileIdentity

    fileprivate init(file: consuming FileDescriptor, identity: FileIdentity) {
      self.file = file
      self.identity = identity
    }

    /// The current length of the file.
    func byteCount() throws(StoreError) -> Int { try Files.byteCount(of: file) }

    // Runs before the file is closed.
    deinit {
      FileLock.release(file)
      let identity = identity
      OpenEnvironments.open.withLock { _ = $0.remove(identity) }
    }
  }

  private static let open = Lock<Set<FileIdentity>>([])
  /// Environments that stay open until the process ends.
  private static let kept = Lock<[LMDBEnvironment]>([])

  /// Keeps `environment`, which can never be closed, reachable for leak checkers.
  static func keep(_ environment: LMDBEnvironment) { kept.withLock { $0.append(environment) } }

  /// - Throws: `.locked` if this process has the file open already, or another one in a way that conflicts
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

  /// Keeps processes that this one starts from inheriting the data files: LMDB opens them without
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
