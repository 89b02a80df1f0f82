import Base
import Glibc
import Testing

@testable import KVStore

@Suite struct StoreErrorTests {
  @Test func `a finding names file, offset, key, expected and found`() {
    let finding = Finding(
      file: "/db/0/data.mdb", offset: 40, key: [0x61, 0x00, 0x22, 0xFF], expected: "a", found: "b")
    #expect(
      finding.description
        == #"/db/0/data.mdb at byte 40, key "a\x00\"\xff": expected a, found b"#)
  }

  @Test(
    arguments: [
      .diskFull(IOError(noSpaceTo: "write", "/db/x")),
      .io(IOError(errno: EROFS, operation: "open", path: "/db/x")),
      .io(IOError(errno: EACCES, operation: "open", path: "/db/x")),
      .corrupted(Finding(file: "/db/x", expected: "a", found: "b")),
      .locked(path: "/db/x", holder: "pid 1"),
      .unsupportedFormat(path: "/db/x", found: "2", supported: "1"),
      .lmdb(code: -30792, operation: "write to", path: "/db/x"),
      .poisoned(because: "a sync of /db/x failed"),
    ] as [StoreError])
  func `a message names the file`(error: StoreError) {
    #expect(error.description.contains("/db/x"))
  }
}
