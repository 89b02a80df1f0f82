import Base
import Glibc

/// Small files beside the store that are replaced as a whole and must survive a crash.
package enum SmallFile {
  /// Whether anything exists at `path`, as far as this user can see.
  package static func exists(_ path: String) -> Bool {
    (try? Files.exists(path)) ?? false
  }

  /// Removes the file. The removal is not durable.
  package static func remove(_ path: String) throws(StoreError) { try Files.remove(path) }

  /// The bytes of the file, or nil if it does not exist.
  ///
  /// - Parameter followsLinks: false for a file of a store whose contents are handed to the store's owner,
  ///   who could have put a link there to a file that only root can read.
  package static func contents(
    of path: String, followsLinks: Bool = true
  ) throws(StoreError) -> [UInt8]? {
    do throws(StoreError) {
      let file = try followsLinks ? Files.openFollowingLinks(path) : Files.open(path, O_RDONLY)
      return try Files.read(try Files.byteCount(of: file), at: 0, from: file)
    } catch .io(let failure) where failure.errno == ENOENT {
      return nil
    }
  }

  /// Replaces or creates the file at `path`. On return its new bytes are durable; after a crash before that,
  /// it has either the old bytes or the new ones. It is accessible to its owner only, whatever its mode was,
  /// because it may contain secrets. When root replaces a file, its owner stays the same.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(StoreError) {
    let temporary = path + ".new"
    do throws(StoreError) {
      let former = try Files.status(of: path)
      let file = try Files.replace(temporary)
      if let former { Files.give(file, to: former) }
      try Files.write(bytes.rawSpan, at: 0, to: file)
      try Files.sync(file)
      try Files.rename(temporary, to: path)
    } catch {
      try? Files.remove(temporary)
      throw error
    }
    try Files.syncDirectory(FileOwnership.folder(of: path))
  }
}
