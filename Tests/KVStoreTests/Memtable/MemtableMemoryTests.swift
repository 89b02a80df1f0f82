import Foundation
import Testing

@testable import KVStore

@Suite struct MemtableMemoryTests {
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
      Self.insert(key, value, into: memtable)
      payloadByteCount += key.count + value.count
      #expect(memtable.byteCount > before)
      before = memtable.byteCount
    }
    #expect(memtable.byteCount > payloadByteCount)
    #expect(memtable.byteCount < 2 * payloadByteCount)
  }

  @Test func `ordered runs are counted`() {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    for number in 0..<1000 { Self.insert(Array("\(number)".utf8), [], into: memtable) }
    let before = memtable.byteCount
    memtable.order()
    #expect(memtable.byteCount >= before + 16 * 1000)
  }

  @Test func `a value far larger than a chunk costs little more than itself`() {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    Self.insert([1], [UInt8](repeating: 1, count: 5 << 20), into: memtable)
    #expect(memtable.byteCount < (5 << 20) + (64 << 10))
  }

  /// 160 MiB in entries of several sizes, in a process of its own: other suites run beside this one, and
  /// their memory would be counted too.
  @Test func `memory goes back to the system with the table`() async {
    await #expect(processExitsWith: .success) {
      let before = try Self.residentByteCount()
      let heldByteCount = try Self.fillAndDrop()
      let after = try Self.residentByteCount()
      #expect(heldByteCount - before > 150 << 20)
      #expect(after - before < 16 << 20)
    }
  }

  private static func fillAndDrop() throws -> Int {
    let memtable = Memtable(hash: KeyHash(seed: 1))
    let small = [UInt8](repeating: 1, count: 100)
    let large = [UInt8](repeating: 2, count: 1 << 20)
    for number in 0..<200_000 { Self.insert(Array("key:\(number)".utf8), small, into: memtable) }
    for number in 0..<120 { Self.insert(Array("large:\(number)".utf8), large, into: memtable) }
    memtable.order()
    let held = try residentByteCount()
    #expect(memtable.byteCount > 160 << 20)
    return held
  }

  private static func insert(_ key: [UInt8], _ value: [UInt8], into memtable: Memtable) {
    memtable.insert(
      .init(key: key, header: EntryHeader(sequence: 1, kind: .put), value: value))
  }

  /// `RssAnon` of proc(5).
  private static func residentByteCount() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
    return try #require(Int(line.filter(\.isNumber))) * 1024
  }
}
