import Foundation

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

func contents(_ path: String) -> [UInt8] {
  [UInt8](try! Data(contentsOf: URL(fileURLWithPath: path)))
}

func write(_ bytes: [UInt8], to path: String) {
  try! Data(bytes).write(to: URL(fileURLWithPath: path))
}
