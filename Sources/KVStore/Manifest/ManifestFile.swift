import Base
import Glibc

/// The manifest's file, `DIR/MANIFEST`. It is written last when a store is created, and from then on replaced
/// as a whole, so that a store is whole or absent.
enum ManifestFile {
  static let name = "MANIFEST"
  private static let temporaryName = "MANIFEST.new"

  /// Far more than 1024 partitions take. A larger file is refused without being read into memory.
  private static let byteLimit = 1 << 20

  /// Replaces the manifest. On return it is durable; after a throw or a crash the file is the old or the new
  /// one, never a mixture.
  static func write(_ manifest: Manifest, in directory: String) throws(StoreError) {
    let temporaryPath = "\(directory)/\(temporaryName)"
    CrashPoint.reached(.manifestBeforeWrite)
    do throws(StoreError) {
      let file = try Files.replace(temporaryPath)
      let bytes = manifest.encode()
      try Files.write(bytes.rawSpan, at: 0, to: file)
      try Files.sync(file)
    } catch {
      // A leftover file is harmless, since the next attempt overwrites it; but on a full disk it takes space.
      try? Files.remove(temporaryPath)
      throw error
    }
    CrashPoint.reached(.manifestAfterSync)
    try Files.rename(temporaryPath, to: "\(directory)/\(name)")
    CrashPoint.reached(.manifestAfterRename)
    try Files.syncDirectory(directory)
    CrashPoint.reached(.manifestAfterDirectorySync)
  }

  /// The manifest of the store in `directory`; nil if there is none, which means that the creation of a store
  /// there was never completed.
  static func read(in directory: String) throws(StoreError) -> Manifest? {
    let path = "\(directory)/\(name)"
    guard try Files.exists(path) else { return nil }
    let file = try Files.open(path, O_RDONLY)
    let byteCount = try Files.byteCount(of: file)
    guard byteCount <= byteLimit else {
      throw .corrupted(
        Finding(
          file: path, offset: 0, expected: "at most \(byteLimit) bytes",
          found: "\(byteCount) bytes"))
    }
    let bytes = try Files.read(byteCount, at: 0, from: file)
    return try bytes.withBytes { bytes throws(StoreError) in
      try Manifest.decode(bytes, file: path)
    }
  }
}
