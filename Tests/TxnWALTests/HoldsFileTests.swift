import Glibc
import Testing

@testable import TxnWAL

/// The file of holds: its bytes, and every way of damaging it.
@Suite struct HoldsFileTests {
  private static let holds = [
    StoredHold(
      name: "feed-1", position: LSN(rawValue: 64), creationMilliseconds: 0x0102_0304_0506,
      policy: .invalidate, loss: nil),
    StoredHold(
      name: "standby.B_2", position: LSN(rawValue: 1 << 40), creationMilliseconds: 7,
      policy: .block, loss: .overLimit),
  ]

  private static func encoded() -> [UInt8] { HoldsFile.encode(holds, of: TestLog.storeID) }

  private static func decode(_ bytes: [UInt8]) throws(LogError) -> [StoredHold] {
    try HoldsFile.decode(bytes, path: "holds", of: TestLog.storeID)
  }

  @Test func `what is written is read again`() throws {
    for count in 0...Self.holds.count {
      let some = Array(Self.holds.prefix(count))
      #expect(try Self.decode(HoldsFile.encode(some, of: TestLog.storeID)) == some)
    }
    let most = (0..<HoldsFile.holdLimit).map { number in
      StoredHold(
        name: String(repeating: "n", count: 61) + "\(100 + number)",
        position: LSN(rawValue: UInt64(number)), creationMilliseconds: 0, policy: .invalidate,
        loss: HoldLoss.allCases[number % 4])
    }
    #expect(try Self.decode(HoldsFile.encode(most, of: TestLog.storeID)) == most)
  }

  @Test func `the bytes are those of the documentation`() {
    let bytes = Self.encoded()
    #expect(bytes.count == 32 + 2 * 88 + 4)
    #expect(Array(bytes[0..<16]) == Array("KVDHOLD\n".utf8) + [1, 0, 0, 0, 2, 0, 0, 0])
    #expect(Array(bytes[16..<32]) == TestLog.storeID.bytes)
    #expect(
      Array(bytes[32..<56])
        == [64, 0, 0, 0, 0, 0, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0])
    #expect(Array(bytes[56..<120]) == Array("feed-1".utf8) + [UInt8](repeating: 0, count: 58))
    #expect(Array(bytes[136..<139]) == [1, 1, 11])
  }

  @Test func `a bit flipped anywhere is refused`() {
    for index in Self.encoded().indices {
      var bytes = Self.encoded()
      bytes[index] ^= 1 << UInt8(index % 8)
      #expect(throws: LogError.self, "byte \(index)") { try Self.decode(bytes) }
    }
  }

  @Test func `a file cut anywhere, or with a byte more, is refused`() {
    let bytes = Self.encoded()
    for count in 0..<bytes.count {
      #expect(throws: LogError.self, "\(count) bytes") { try Self.decode(Array(bytes[..<count])) }
    }
    #expect(throws: LogError.self) { try Self.decode(bytes + [0]) }
  }

  @Test func `a file of another version, or of another store, is told from damage`() {
    var bytes = Self.encoded()
    bytes[8] = 2
    #expect(
      throws: LogError.unsupportedFormat(path: "holds", found: "2", supported: "1")
    ) { try Self.decode(bytes) }
    let other = HoldsFile.encode(Self.holds, of: TestLog.makeStoreID(3))
    guard
      case .corrupted(let finding)? = #expect(
        throws: LogError.self, performing: { try Self.decode(other) })
    else {
      Issue.record("not refused as another store's")
      return
    }
    #expect(finding.found.hasPrefix("store "))
  }

  /// Every byte of a name is checked: a sound checksum does not make `../control` a name.
  @Test(arguments: ["", "a b", "../control", "ä", "a\u{0}", String(repeating: "a", count: 65)])
  func `a name that is not allowed is refused`(name: String) throws {
    #expect(!HoldName.isValid(name.utf8))
    let log = try TestLog.open()
    #expect(throws: LogError.self) { try log.retention.hold(from: .end, by: name) }
    #expect(throws: LogError.self) { try log.retention.holdTemporarily(from: .end, by: name) }
    #expect(log.retention.holds == [])
    log.abandon()
  }

  @Test func `names of up to 64 allowed bytes are accepted`() {
    for name in ["a", "0", "Feed_1.x-y", String(repeating: "Z", count: 64)] {
      #expect(HoldName.isValid(name.utf8))
    }
  }

  /// A damaged file stops the opening, says what to do, and costs nothing: with the file removed all is there.
  @Test func `a log with a damaged file of holds is not opened, and nothing is lost`() throws {
    let log = try TestLog.open()
    _ = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 5)
    let numbers = try log.segmentNumbers
    let before = log.entries
    log.abandon()
    let image = log.device.image(.loses)
    image.damage(HoldsFile.name) { $0[40] ^= 1 }
    let error = #expect(throws: LogError.self) {
      try TestLog.open(on: image, storages: log.storageImages())
    }
    #expect("\(error!)".contains("removing the file gives up all holds"))
    #expect(try image.fileNames().compactMap(LogGeometry.segment(named:)).sorted() == numbers)
    image.damage(HoldsFile.name) { $0[40] ^= 1 }
    let healed = try TestLog.open(on: image.image(.keeps), storages: log.storageImages())
    #expect(healed.entries == before)
    let cursor = try healed.retention.cursor(of: #require(healed.retention.hold(named: "feed")))
    #expect(try cursor.drain().count == before.count)
    healed.abandon()
    image.discard(HoldsFile.name)
    let without = try TestLog.open(on: image, storages: log.storageImages())
    #expect(without.entries == before)
    #expect(without.retention.holds == [])
    without.abandon()
  }
}
