import Glibc

/// A failed system call: which call, on which path, and why. The layers below the log and the store throw only this
/// error; the log's and the store's own errors carry it.
public struct IOError: Error, Sendable, Equatable {
  /// The reason: an errno(3) value, or one of getaddrinfo(3)'s codes, which are negative.
  public var errno: Int32
  /// The operation that failed, as in "open /data/LOCK".
  public var operation: String
  /// The file or directory, or what else it was done to.
  public var path: String
  /// Whether the disk has free space but the file system has no free inodes. `ENOSPC` covers both cases.
  public var lacksInodes: Bool

  /// A failure with a known errno.
  public init(errno: Int32, operation: String, path: String, lacksInodes: Bool = false) {
    self.errno = errno
    self.operation = operation
    self.path = path
    self.lacksInodes = lacksInodes
  }

  /// There is not enough space for `operation`; the system call was not attempted.
  package init(noSpaceTo operation: String, _ path: String) {
    self.init(errno: ENOSPC, operation: operation, path: path)
  }

  /// The file system or a quota is full. The operation may be retried once there is space.
  public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT }
}

extension IOError: CustomStringConvertible {
  /// What failed, and why.
  public var description: String {
    "\(operation) \(path): \(Self.text(ofErrno: errno)) (errno \(errno))"
  }

  /// The system's message for an errno. strerror_r(3), because strerror(3) uses one buffer for all threads;
  /// gai_strerror(3) for codes of getaddrinfo(3).
  package static func text(ofErrno code: Int32) -> String {
    if code < 0 {
      return unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "unknown error"
    }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard unsafe strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else {
        return "unknown error"
      }
      return unsafe String(cString: buffer.baseAddress!)
    }
  }
}

/// An error type of some layer that can carry a failed system call.
package protocol IOFailure: Error {
  /// Wraps `error` in the layer's own error type.
  init(_ error: IOError)
}

extension IOError: IOFailure {
  package init(_ error: IOError) { self = error }
}
