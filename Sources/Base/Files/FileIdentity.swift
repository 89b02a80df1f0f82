import Glibc

/// Which file something is, whatever its names are: the same for every descriptor of it, and another for a file that
/// has taken its name.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// Of the file that `status` describes.
  package init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// Of an open file; nil where `descriptor` is none. fstat(2).
  package init?(ofRaw descriptor: Int32) {
    guard let status = FileOpening.status(of: descriptor) else { return nil }
    self.init(status)
  }

  /// Of what has the name `path`; nil where nothing has. stat(2).
  package init?(at path: String) {
    guard let status = FileOpening.status(of: path) else { return nil }
    self.init(status)
  }
}
