import Glibc

/// Small files of text beside the store's own, read and replaced as a whole.
package enum WholeFile {
  /// Larger files are not what they are taken for.
  private static let byteLimit = 16 << 20

  /// All bytes of the file at `path`.
  package static func read(_ path: String) throws(StoreError) -> [UInt8] {
    let file = try FileSystem.open(path, O_RDONLY)
    let byteCount = try FileSystem.byteCount(of: file)
    guard byteCount <= byteLimit else {
      throw FileSystem.error(EFBIG, "reading", path)
    }
    return try FileSystem.read(byteCount, at: 0, from: file)
  }

  /// Whether there is anything at `path`.
  package static func exists(_ path: String) throws(StoreError) -> Bool {
    try FileSystem.exists(path)
  }

  /// Puts `bytes` in place of what is at `path`: a reader, and whoever comes after a crash, finds the old
  /// file or the new one, whole. Durable on return. The new one has the permissions `mode`.
  package static func replace(
    _ path: String, with bytes: [UInt8], mode: UInt32 = 0o644
  ) throws(StoreError) {
    let temporary = path + ".new"
    let file = try FileSystem.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    do throws(StoreError) {
      try FileSystem.write(bytes, at: 0, to: file)
      try FileSystem.sync(file)
      try FileSystem.rename(temporary, to: path)
    } catch {
      try? FileSystem.remove(temporary)
      throw error
    }
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "."
    try FileSystem.syncDirectory(String(folder))
  }
}
