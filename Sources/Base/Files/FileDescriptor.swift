import Glibc

/// An open file. Closed when it goes out of scope; the path is kept for messages.
///
/// What close(2) returns is not looked at: who writes syncs first, and that is where a failed write shows.
package struct FileDescriptor: ~Copyable, Sendable {
  package let raw: Int32
  package let path: String

  package init(raw: Int32, path: String) {
    self.raw = raw
    self.path = path
  }

  deinit {
    _ = Glibc.close(raw)
  }
}
