import Base

/// Checks whether the names of an open store's directories and files still lead to the same files. An open
/// descriptor keeps working after a directory was removed or replaced, but what is written then is lost.
final class StoreFiles: Sendable {
  private let known: [(path: String, identity: FileIdentity)]
  private let next = Lock(0)

  /// The number of paths that one call checks, besides the first.
  private static let stepCount = 8

  /// Paths that do not exist are not checked later.
  init(_ paths: [String]) {
    known = paths.compactMap { path in
      FileIdentity(at: path).map { (path, $0) }
    }
  }

  /// Describes a file that was lost, or returns nil. Each call checks the first path and a few of the others.
  func findLoss() -> String? {
    guard let first = known.first else { return nil }
    if let loss = loss(of: first) { return loss }
    let start = next.withLock { next in
      defer { next += Self.stepCount }
      return next
    }
    for step in 0..<min(Self.stepCount, known.count) {
      if let loss = loss(of: known[(start + step) % known.count]) { return loss }
    }
    return nil
  }

  private func loss(of file: (path: String, identity: FileIdentity)) -> String? {
    if Files.isMissing(file.path) { return "\(file.path) no longer exists" }
    // A path that cannot be checked for another reason may still be there.
    guard let found = FileIdentity(at: file.path), found != file.identity else {
      return nil
    }
    return "\(file.path) was replaced"
  }
}
