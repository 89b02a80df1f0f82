import Glibc

/// Identifies a file independently of its names: equal for all descriptors of one file, different for a file that
/// has replaced it under the same name.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// The identity of the file that `status` describes.
  package init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// The identity of an open file; nil if `descriptor` is not open. fstat(2).
  package init?(ofRaw descriptor: Int32) {
    guard let status = SecureOpen.status(of: descriptor) else { return nil }
    self.init(status)
  }

  /// The identity of the file at `path`; nil if there is none. stat(2).
  package init?(at path: String) {
    guard let status = SecureOpen.status(of: path) else { return nil }
    self.init(status)
  }
}
