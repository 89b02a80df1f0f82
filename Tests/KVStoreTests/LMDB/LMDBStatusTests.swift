import Glibc
import Testing

@testable import KVStore

@Suite struct LMDBStatusTests {
  private func error(_ code: Int32) -> StoreError {
    LMDBStatus.error(code, operation: "commit to", path: "p")
  }

  @Test func `a full disk is a full disk, whoever says so`() {
    #expect(error(ENOSPC) == .diskFull(IOError(noSpaceTo: "commit to", "p")))
    #expect(error(EDQUOT) == .diskFull(IOError(errno: EDQUOT, operation: "commit to", path: "p")))
  }

  @Test func `a system error keeps its errno`() {
    #expect(error(EIO) == .io(IOError(errno: EIO, operation: "commit to", path: "p")))
  }

  @Test(arguments: [-30792, -30790, -30788, -30782, -1, -12345] as [Int32])
  func `a code without a case of its own is kept`(code: Int32) {
    #expect(error(code) == .lmdb(code: code, operation: "commit to", path: "p"))
  }

  @Test(arguments: [-30797, -30796, -30793] as [Int32])
  func `a damaged tree or file is corruption`(code: Int32) {
    #expect(finding { throw error(code) }?.file == "p")
  }

  @Test func `only a lost write poisons`() {
    #expect(LMDBStatus.poisons(EIO))
    #expect(LMDBStatus.poisons(-30795))
    for code in [ENOSPC, ENOMEM, -30792, -30788] { #expect(!LMDBStatus.poisons(code)) }
  }

  @Test func `a full map and full reader slots can be told`() {
    #expect(error(-30792).isMapFull && !error(-30792).isReadersFull)
    #expect(error(-30790).isReadersFull && !error(-30790).isMapFull)
  }
}
