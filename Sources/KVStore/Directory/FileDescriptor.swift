import Glibc

/// An open file. Closed when it goes out of scope; the path is kept for messages.
///
/// What `close` returns is not looked at: whoever writes syncs first, and that is where a failed write
/// shows.
struct FileDescriptor: ~Copyable, Sendable {
  let raw: Int32
  let path: String

  deinit {
    _ = Glibc.close(raw)
  }
}
