import Foundation
import KVFoundation
import KVStore
import Testing

@Suite struct FoundationTests {
  @Test(arguments: [0, 1, 14, 15, 100, 1 << 20])
  func `data lends its bytes, a slice those of the slice`(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    #expect(lent(Data(bytes)) == bytes)
    #expect(lent((Data([9, 9]) + Data(bytes) + Data([9])).dropFirst(2).dropLast()) == bytes)
  }

  private func lent(_ value: some BytesConvertible) -> [UInt8] {
    value.withBytes { [UInt8]($0) }
  }

  @Test func `data in a tuple is bytes`() throws {
    #expect(Tuple(Data([1, 0, 2])) == Tuple([1, 0, 2] as [UInt8]))
    #expect(try Tuple([1, 0, 2] as [UInt8]).decode(as: Data.self) == Data([1, 0, 2]))
  }

  @Test func `a UUID in a tuple is its bytes in their order`() throws {
    let uuid = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
    let hex: [UInt8] = [0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255]
    #expect(Tuple(uuid).bytes == [0x30] + hex)
    #expect(try Tuple(uuid).decode(as: UUID.self) == uuid)
    #expect(Tuple(uuid).description == "(\(uuid.uuidString.lowercased()))")
    for _ in 0..<1000 {
      let (one, other) = (UUID(), UUID())
      #expect(try Tuple(one).decode(as: UUID.self) == one)
      #expect((Tuple(one) < Tuple(other)) == (one < other))
    }
  }

  @Test(arguments: [0, 1, -1, 999, 1_700_000_000_123, -62_135_596_800_000, 253_402_300_799_999])
  func `a date of whole milliseconds comes back as it was`(milliseconds: Int64) throws {
    let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    #expect(Tuple(date) == Tuple(milliseconds))
    #expect(try Tuple(date).decode(as: Date.self) == date)
  }

  @Test func `dates sort as in time, and those beyond every calendar are borne`() {
    let dates = [
      Date(timeIntervalSince1970: -.infinity), Date.distantPast,
      Date(timeIntervalSince1970: -0.002),
      Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 0.001), Date.distantFuture,
      Date(timeIntervalSince1970: .infinity),
    ]
    for (one, other) in zip(dates, dates.dropFirst()) { #expect(Tuple(one) < Tuple(other)) }
    #expect(Tuple(Date(timeIntervalSince1970: .infinity)) == Tuple(Int64.max))
    #expect(Tuple(Date(timeIntervalSince1970: -.infinity)) == Tuple(Int64.min))
  }
}
