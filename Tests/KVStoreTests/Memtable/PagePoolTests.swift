import Testing

@testable import KVStore

@Suite struct PagePoolTests {
  @Test func `no more is kept than the limit says, and what is kept is handed out again`() {
    let spare = PagePool(byteLimit: 1 << 20)
    fill(Memtable(hash: KeyHash(seed: 1), spare: spare), with: 0x61, count: 1000)
    let kept = spare.byteCount
    #expect(kept > 128 << 10)
    #expect(kept <= spare.byteLimit)
    let table = Memtable(hash: KeyHash(seed: 1), spare: spare)
    fill(table, with: 0x62, count: 1000)
    #expect(spare.byteCount < kept)
    fill(Memtable(hash: KeyHash(seed: 1), spare: spare), with: 0x63, count: 100_000)
    #expect(spare.byteCount <= spare.byteLimit)
  }

  @Test func `a table in memory that another one used holds what was put into it and nothing else`()
  {
    let spare = PagePool(byteLimit: 64 << 20)
    var random = ReplayableRandom.announced()
    for _ in 0..<6 {
      var model = MemtableModel()
      let table = Memtable(hash: KeyHash(seed: 7), spare: spare)
      for number in 0..<Int.random(in: 1...20_000, using: &random) {
        let entry = MemtableModel.Entry(
          key: random.awkwardKey(),
          header: EntryHeader(sequence: UInt64(number + 1), kind: .put),
          value: random.bytes(Int.random(in: 0...60, using: &random)))
        table.insert(entry)
        model.insert(entry)
      }
      #expect(table.ordered(at: .max) == model.ordered(at: .max))
      for key in model.versions.keys {
        #expect(table.newest(of: key, at: .max) == model.newest(of: key, at: .max))
      }
    }
    #expect(spare.byteCount > 0)
  }

  private func fill(_ table: Memtable, with byte: UInt8, count: Int) {
    for number in 0..<count {
      table.insert(
        .init(
          key: [byte] + Array("\(number)".utf8), header: EntryHeader(sequence: 1, kind: .put),
          value: [UInt8](repeating: byte, count: 100)))
    }
  }
}
