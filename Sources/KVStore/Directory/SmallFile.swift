import Base
import Glibc

/// Small files beside the store that are replaced as a whole and must survive a crash.
package enum SmallFile {
  /// Whether there is anything at `path`, as far as this user may know.
  package static func exists(_ path: String) -> Bool {
    (try? Files.exists(path)) ?? false
  }

  /// Removes the file, not durably.
  package static func remove(_ path: String) throws(StoreError) { try Files.remove(path) }

  /// The bytes of the file, or nil if there is none.
  ///
  /// - Parameter followsLinks: false for a file of a store whose bytes go to the store's owner, who may have put a link
  ///   to a file there that only root can read.
  package static func contents(
    of path: String, followsLinks: Bool = true
  ) throws(StoreError) -> [UInt8]? {
    do throws(StoreError) {
      let file = try followsLinks ? Files.openNamed(path) : Files.open(path, O_RDONLY)
      return try Files.read(try Files.byteCount(of: file), at: 0, from: file)
    } catch .io(let failure) where failure.errno == ENOENT {
      return nil
    }
  }

  /// Replaces the file at `path`, or makes it: when this returns its new bytes are durable, and after a
  /// crash before that it has the old ones or the new ones. It is for its owner alone, whatever mode it
  /// had: there may be secrets in it now. Root keeps the owner that it had.
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
