import Glibc
import Testing

@testable import KVStore

@Suite struct ManifestFileTests {
  private let directory = TemporaryDirectory()

  @Test func `a directory without a manifest has none`() throws {
    #expect(try ManifestFile.read(in: directory.path) == nil)
  }

  @Test func `the manifest read is the last one written`() throws {
    try ManifestFile.write(ManifestTests.manifest(partitionCount: 8), in: directory.path)
    let newer = ManifestTests.manifest(partitionCount: 9)
    try ManifestFile.write(newer, in: directory.path)
    #expect(try ManifestFile.read(in: directory.path) == newer)
  }

  @Test func `a leftover temporary file changes nothing`() throws {
    let manifest = ManifestTests.manifest(partitionCount: 2)
    try ManifestFile.write(manifest, in: directory.path)
    write(Array("half".utf8), to: "\(directory.path)/MANIFEST.new")
    #expect(try ManifestFile.read(in: directory.path) == manifest)
    try ManifestFile.write(manifest, in: directory.path)
    #expect(try ManifestFile.read(in: directory.path) == manifest)
  }

  @Test func `a damaged manifest is named with its path`() throws {
    try ManifestFile.write(ManifestTests.manifest(partitionCount: 2), in: directory.path)
    let path = "\(directory.path)/MANIFEST"
    var bytes = contents(path)
    bytes[20] ^= 1
    write(bytes, to: path)
    #expect(finding { _ = try ManifestFile.read(in: directory.path) }?.file == path)
    write([], to: path)
    #expect(finding { _ = try ManifestFile.read(in: directory.path) }?.file == path)
    write([UInt8](repeating: 0, count: 2 << 20), to: path)
    #expect(finding { _ = try ManifestFile.read(in: directory.path) }?.file == path)
  }

  @Test func `a missing directory is an error that names operation and path`() {
    #expect(
      throws: StoreError.io(
        IOError(errno: ENOENT, operation: "open", path: "/nonexistent/kvd/MANIFEST.new"))
    ) {
      try ManifestFile.write(ManifestTests.manifest(partitionCount: 1), in: "/nonexistent/kvd")
    }
  }
}
