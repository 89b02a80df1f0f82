import Base
import Testing

@testable import TxnWAL

/// The bytes on disk, as docs/log-format.md shows them.
@Suite struct FormatTests {
  private static func bytes(_ hex: String) -> [UInt8] {
    hex.split(whereSeparator: \.isWhitespace).map { UInt8($0, radix: 16)! }
  }

  @Test func `the worked example of the documentation is what is written`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "a"))
    try log.commit(Part(0, "left"), Part(1, "right"))
    log.abandon()
    let control = try #require(log.device.bytes(of: Control.fileName))
    let segment = try #require(log.device.bytes(of: LogGeometry.fileName(of: 0)))
    let made = Self.bytes(
      """
      4b 56 44 43 54 52 4c 0a 02 00 00 00 00 00 00 00
      01 00 00 00 00 00 00 00 00 11 22 33 44 55 66 77
      88 99 aa bb cc dd ee ff 00 20 00 00 00 00 00 00
      00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      bf e2 c7 7a
      """)
    let opened = Self.bytes(
      """
      4b 56 44 43 54 52 4c 0a 02 00 00 00 01 00 00 00
      02 00 00 00 00 00 00 00 00 11 22 33 44 55 66 77
      88 99 aa bb cc dd ee ff 00 20 00 00 00 00 00 00
      00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      82 f7 cd fa
      """)
    let header = Self.bytes(
      """
      4b 56 44 4c 4f 47 0d 0a 01 00 00 00 00 00 00 00
      00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff
      00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      df 82 6c 56 00 00 00 00 00 00 00 00 00 00 00 00
      """)
    let records = Self.bytes(
      """
      9a a1 3f f1 11 00 00 00 00 00 00 00 00 00 00 00
      00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00
      01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      00 00 00 00 01 00 00 00 61 00 00 00 00 00 00 00
      f9 82 78 99 21 00 00 00 40 00 00 00 00 00 00 00
      00 00 00 00 01 00 00 00 02 00 00 00 00 00 00 00
      02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      00 00 00 00 04 00 00 00 6c 65 66 74 01 00 00 00
      05 00 00 00 72 69 67 68 74 00 00 00 00 00 00 00
      d5 5b 2d 0c 08 00 00 00 90 00 00 00 00 00 00 00
      50 00 00 00 01 00 00 00 02 00 00 00 00 00 00 00
      03 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00
      """)
    #expect(Array(control[0..<84]) == opened)
    #expect(Array(control[4096..<4180]) == made)
    #expect(Array(segment[0..<64]) == header)
    #expect(Array(segment[4096..<4096 + records.count]) == records)
    #expect(segment[(4096 + records.count)...].allSatisfy { $0 == 0 })
  }

  @Test func `a record's checksum covers the store id and everything behind it`() throws {
    let log = try TestLog.open()
    let end = try log.commit(Part(0, "a")).end
    log.abandon()
    let record = log.device.logBytes(LSN.zero..<end)
    let covered = TestLog.storeID.bytes + record[4...]
    #expect(CRC32C.checksum(covered.rawSpan) == record.rawSpan.load(at: 0, as: UInt32.self))
  }

  @Test func `a distance that does not fit says nothing`() {
    var header = RecordHeader(
      payloadByteCount: 0, lsn: LSN(rawValue: 1 << 40), syncedDistance: 64,
      transaction: TransactionID(epoch: 1, counter: 1), kind: .commit)
    #expect(header.syncedLSN == LSN(rawValue: (1 << 40) - 64))
    header.syncedDistance = .max
    #expect(header.syncedLSN == .zero)
    header.lsn = LSN(rawValue: 8)
    header.syncedDistance = 64
    #expect(header.syncedLSN == .zero)
  }

  @Test func `only the names that the log gives are segments`() {
    #expect(LogGeometry.segment(named: LogGeometry.fileName(of: 0)) == 0)
    #expect(LogGeometry.segment(named: LogGeometry.fileName(of: 0xBEEF)) == 0xBEEF)
    for name in [
      "control", "segment.tmp", "-000000000000001.log", "+000000000000001.log",
      "00000000000000BE.log", "ffffffffffffffff.log", "1.log",
    ] {
      #expect(LogGeometry.segment(named: name) == nil, "\(name)")
    }
  }
}
