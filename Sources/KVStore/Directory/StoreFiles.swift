import Base

/// Whether the directories and files of an open store are still what their names lead to: an open descriptor goes on
/// working after a directory was removed or replaced, but what is written then is lost.
final class StoreFiles: Sendable {
  private let known: [(path: String, identity: FileIdentity)]
  private let next = Lock(0)

  /// How many are looked at in one call, besides the first one.
  private static let stepCount = 8

  /// What does not exist is not looked for later.
  init(_ paths: [String]) {
    known = paths.compactMap { path in
      FileIdentity(at: path).map { (path, $0) }
    }
  }

  /// What was lost, if anything was.
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
    if Files.isMissing(file.path) { return "\(file.path) does not exist any more" }
    // One that cannot be looked at for another reason may be there all the same.
    guard let found = FileIdentity(at: file.path), found != file.identity else {
      return nil
    }
    return "\(file.path) is another one now"
  }
}
