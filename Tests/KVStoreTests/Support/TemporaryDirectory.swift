import Foundation

@testable import KVStore

/// A directory of the test's own, gone with the object.
final class TemporaryDirectory {
  let path: String

  init() {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "kvd-\(UUID().uuidString)")
    try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}

/// Not with Foundation, which leaks 4 KiB wherever it reads an empty file.
func contents(_ path: String) -> [UInt8] {
  let file = try! Files.open(path, O_RDONLY)
  return try! Files.read(Files.byteCount(of: file), at: 0, from: file)
}

func write(_ bytes: [UInt8], to path: String) {
  try! Data(bytes).write(to: URL(fileURLWithPath: path))
}
