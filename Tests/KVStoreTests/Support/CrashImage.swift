import Foundation

@testable import KVStore

extension StoreFixture {
  /// What a killed process leaves, opened.
  func crashImage() throws -> StoreFixture {
    try StoreFixture(opening: crashFiles(), options: options)
  }

  /// What a killed process leaves: the files as they are while nobody writes, without a close.
  func crashFiles() throws -> TemporaryDirectory {
    let copy = TemporaryDirectory()
    let files = FileManager.default
    var before: [String]
    repeat {
      // The log prepares a segment ahead by itself: an image has either all of that or nothing.
      before = try files.subpathsOfDirectory(atPath: directory.path)
      if files.fileExists(atPath: copy.path) { try files.removeItem(atPath: copy.path) }
      try? files.copyItem(atPath: directory.path, toPath: copy.path)
    } while try before != files.subpathsOfDirectory(atPath: directory.path)
      || before.count != files.subpathsOfDirectory(atPath: copy.path).count
    return copy
  }
}
