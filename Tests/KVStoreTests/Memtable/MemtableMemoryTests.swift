import Foundation
import Testing

@testable import KVStore

/// Serialized, because the resident memory of the whole process is measured.
@Suite(.serialized) struct MemtableMemoryTests {
  @Test func `a fresh table is small`() {
    #expect(Memtable(hash: KeyHash(seed: 1)).byteCount < 16 << 10)
  }

  @Test func `the byte count covers all that was written, and not twice as much`() {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    var payloadByteCount = 0
    var before = memtable.byteCount
    for number in 0..<20_000 {
      let key = Array("key:\(number)".utf8)
      let value = [UInt8](repeating: 1, count: number % 500)
      insert(key, value, into: memtable)
      payloadByteCount += key.count + value.count
      #expect(memtable.byteCount > before)
      before = memtable.byteCount
    }
    #expect(memtable.byteCount > payloadByteCount)
    #expect(memtable.byteCount < 2 * payloadByteCount)
  }

  @Test func `ordered runs are counted`() {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    for number in 0..<1000 { insert(Array("\(number)".utf8), [], into: memtable) }
    let before = memtable.byteCount
    memtable.order()
    #expect(memtable.byteCount >= before + 16 * 1000)
  }

  @Test func `a value far larger than a chunk costs little more than itself`() {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    insert([1], [UInt8](repeating: 1, count: 5 << 20), into: memtable)
    #expect(memtable.byteCount < (5 << 20) + (64 << 10))
  }

  /// 160 MiB in entries of several sizes. Other suites run beside this one in the process, so the bound
  /// leaves half of it to them.
  @Test func `memory goes back to the system with the table`() throws {
    let before = try residentByteCount()
    let heldByteCount = try fillAndDrop()
    let after = try residentByteCount()
    #expect(heldByteCount - before > 120 << 20)
    #expect(heldByteCount - after > 80 << 20)
  }

  private func fillAndDrop() throws -> Int {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    let small = [UInt8](repeating: 1, count: 100)
    let large = [UInt8](repeating: 2, count: 1 << 20)
    for number in 0..<200_000 { insert(Array("key:\(number)".utf8), small, into: memtable) }
    for number in 0..<120 { insert(Array("large:\(number)".utf8), large, into: memtable) }
    memtable.order()
    let held = try residentByteCount()
    #expect(memtable.byteCount > 160 << 20)
    return held
  }

  private func insert(_ key: [UInt8], _ value: [UInt8], into memtable: Memtable) {
    memtable.insert(
      .init(key: key, header: EntryHeader(sequence: 1, kind: .put), value: value))
  }

  /// `RssAnon` of proc(5).
  private func residentByteCount() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
    return try #require(Int(line.filter(\.isNumber))) * 1024
  }
}
