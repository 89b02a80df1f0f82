import Glibc
import KVStore

/// The file that tells other programs which process serves.
struct PIDFile {
  private let path: String

  /// Writes it; nil for an empty path, and where it cannot be written, which the log says and nothing else minds.
  static func write(_ path: String) -> PIDFile? {
    if path.isEmpty { return nil }
    do throws(StoreError) {
      try SmallFile.replace(path, with: Array("\(getpid())\n".utf8))
      return PIDFile(path: path)
    } catch {
      Log.line("cannot write the file of the process's number: \(error)")
      return nil
    }
  }

  func remove() { try? SmallFile.remove(path) }
}
