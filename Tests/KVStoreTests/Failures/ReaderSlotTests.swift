import Glibc
import Testing

@testable import KVStore

@Suite struct ReaderSlotTests {
  @Test func `more than 1,024 snapshots are refused by name, and closing them mends it`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    try fixture.store.put([1], [1])
    var snapshots: [Snapshot] = []
    var refusal: StoreError?
    for _ in 0..<1100 {
      do throws(StoreError) {
        snapshots.append(try fixture.store.snapshot())
      } catch {
        refusal = error
        break
      }
    }
    guard case .readersFull(let path, let limit) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(path.hasSuffix("partition-0000/data.mdb"))
    #expect(limit == 1024)
    #expect(snapshots.count > 1000)
    // Memory still serves reads and takes writes; LMDB's writer needs no slot.
    try fixture.store.put([1], [2])
    #expect(try fixture.store.get([1]) == [2])
    for snapshot in snapshots { snapshot.close() }
    #expect(try fixture.store.snapshot().get([1]) == [2])
    #expect(fixture.store.poisoned == nil)
  }
}
