import Glibc

/// An open file, closed when it goes out of scope. The path is kept for messages.
///
/// The result of close(2) is ignored: a writer syncs first, and a failed write shows there.
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
