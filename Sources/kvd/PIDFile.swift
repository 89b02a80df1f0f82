import Glibc
import KVStore

/// The file that tells other programs the id of the serving process.
struct PIDFile {
  private let path: String

  /// Writes the file. Nil for an empty path, or if it cannot be written, which is only logged.
  static func write(_ path: String) -> PIDFile? {
    if path.isEmpty { return nil }
    do throws(StoreError) {
      try SmallFile.replace(path, with: Array("\(getpid())\n".utf8))
      return PIDFile(path: path)
    } catch {
      Log.line("cannot write the PID file: \(error)")
      return nil
    }
  }

  func remove() { try? SmallFile.remove(path) }
}
