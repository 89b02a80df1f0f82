import Glibc
import Testing

@testable import KVStore

@Suite struct OpenEnvironmentsTests {
  private let directory = TemporaryDirectory()

  private func newFile() throws -> OpenEnvironments.Claim {
    try OpenEnvironments.claim(
      Files.open(
        "\(directory.path)/file", O_RDWR | O_CREAT | O_CLOEXEC, mode: Files.fileMode))
  }

  @Test func `a file is claimed once at a time`() throws {
    do {
      let first = try newFile()
      #expect(throws: StoreError.locked(path: first.file.path, holder: "this process")) {
        _ = try newFile()
      }
    }
    _ = try newFile()
  }

  /// File systems give the inode number of a removed file to the next that is made.
  @Test func `a new file is never taken for a claimed one that was removed`() throws {
    for _ in 0..<20 {
      let first = try newFile()
      try Files.remove(first.file.path)
      let second = try newFile()
      try Files.remove(second.file.path)
      #expect(first.file.raw != second.file.raw)
    }
  }
}
