import Glibc

/// A system call that failed: which, on what, and why. The one error of everything below the log and the store, whose
/// own errors carry it.
public struct IOError: Error, Sendable, Equatable {
  /// The reason, as errno(3) has it.
  public var errno: Int32
  /// What was to be done, as in "open /data/LOCK".
  public var operation: String
  /// The file or folder.
  public var path: String
  /// The disk has room, but its file system can make no more files. The system has one number for both.
  public var lacksInodes: Bool

  /// A failure that is known by its number.
  public init(errno: Int32, operation: String, path: String, lacksInodes: Bool = false) {
    self.errno = errno
    self.operation = operation
    self.path = path
    self.lacksInodes = lacksInodes
  }

  /// There is no room to do `operation`, which was not even tried.
  package init(noSpaceTo operation: String, _ path: String) {
    self.init(errno: ENOSPC, operation: operation, path: path)
  }

  /// No room on the file system, or none left of a quota: what may be tried again when there is.
  public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT }
}

extension IOError: CustomStringConvertible {
  /// What could not be done, and why.
  public var description: String {
    "\(operation) \(path): \(Self.text(ofErrno: errno)) (errno \(errno))"
  }

  /// The system's words for a number; strerror_r(3), because strerror(3) has one buffer for all threads.
  package static func text(ofErrno code: Int32) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard unsafe strerror_r(code, buffer.baseAddress!, buffer.count) == 0 else {
        return "unknown error"
      }
      return unsafe String(cString: buffer.baseAddress!)
    }
  }
}

/// An error of a layer that has a word for a system call that failed.
package protocol IOFailure: Error {
  /// The layer's error for it.
  init(_ error: IOError)
}

extension IOError: IOFailure {
  package init(_ error: IOError) { self = error }
}
