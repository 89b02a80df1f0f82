import Base
import Testing

@testable import KVStore

/// Bytes that no tuple is encoded as are refused, and any bytes are borne.
@Suite struct HostileTupleTests {
  @Test(
    arguments: [
      ("01", 0, .truncated), ("01 61", 0, .truncated), ("01 00 ff", 0, .truncated),
      ("14 02 61 62", 1, .truncated), ("02 61 00 ff 00 ff", 0, .truncated),
      ("05", 0, .truncated), ("05 14", 0, .truncated), ("05 00 ff", 0, .truncated),
      ("14 05 05 00", 1, .truncated), ("05 02 61 00", 0, .truncated),
      ("15", 0, .truncated), ("1c 01 02 03 04 05 06 07", 0, .truncated), ("0c 01", 0, .truncated),
      ("20 80 00 00", 0, .truncated), ("21 80 00 00 00 00 00 00", 0, .truncated),
      ("30 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee", 0, .truncated),
      ("15 00", 0, .overlongInteger), ("16 00 ff", 0, .overlongInteger),
      ("13 ff", 0, .overlongInteger), ("12 ff 00", 0, .overlongInteger),
      ("1c 00 ff ff ff ff ff ff ff", 0, .overlongInteger),
      ("0c ff 00 00 00 00 00 00 00", 0, .overlongInteger),
      ("21 00 07 ff ff ff ff ff ff", 0, .otherNaN), ("21 ff f8 00 00 00 00 00 01", 0, .otherNaN),
      ("21 ff f0 00 00 00 00 00 01", 0, .otherNaN), ("21 00 00 00 00 00 00 00 00", 0, .otherNaN),
      ("20 ff c0 00 01", 0, .otherNaN), ("20 00 3f ff ff", 0, .otherNaN),
      ("02 ff 00", 0, .invalidUTF8), ("02 c3 00", 0, .invalidUTF8), ("02 80 00", 0, .invalidUTF8),
      ("02 c0 80 00", 0, .invalidUTF8), ("02 ed a0 80 00", 0, .invalidUTF8),
      ("02 f4 90 80 80 00", 0, .invalidUTF8), ("02 00 ff c3 00 ff a9 00", 0, .invalidUTF8),
      ("15 01 05 02 ff 00 00", 3, .invalidUTF8), ("ff", 0, .unknownCode(0xFF)),
      ("00 ff", 1, .unknownCode(0xFF)), ("02 61 00 14 03", 4, .unknownCode(0x03)),
      ("05 14 25 00", 2, .unknownCode(0x25)),
    ] as [(String, Int, TupleError.Defect)])
  func `what is wrong is said, and where`(hex: String, offset: Int, defect: TupleError.Defect) {
    let key = bytes(hex: hex)
    #expect(throws: TupleError.malformed(offset: offset, defect)) { try Tuple(encoded: key) }
    // The typed decoder says so too, in every position.
    #expect(throws: TupleError.malformed(offset: offset + 1, defect)) {
      var decoder = TupleDecoder(([0x14] + key).rawSpan)
      while !decoder.isAtEnd { _ = try decoder.next(Tuple.Element.self) }
    }
  }

  @Test func `no other byte begins an element`() {
    let codes: [ClosedRange<UInt8>] = [
      0x00...0x02, 0x05...0x05, 0x0C...0x1C, 0x20...0x21, 0x26...0x27, 0x30...0x30,
    ]
    for code in UInt8.min ... .max where !codes.contains(where: { $0.contains(code) }) {
      #expect(throws: TupleError.malformed(offset: 0, .unknownCode(code))) {
        try Tuple(encoded: [code] + [UInt8](repeating: 0x01, count: 20))
      }
    }
  }

  @Test func `a tuple may be nested 32 deep, and no deeper`() throws {
    var tuple = Tuple("core", nil as Int?)
    for _ in 0..<Tuple.nestingLimit { tuple = Tuple(tuple, nil as Int?) }
    #expect(try Tuple(encoded: tuple) == tuple)
    var inner = tuple
    for _ in 0..<Tuple.nestingLimit { inner = try inner.decode(as: Tuple.self, Int?.self).0 }
    #expect(inner == Tuple("core", nil as Int?))
    let deeper = [TupleCode.tuple] + tuple.bytes + [TupleCode.end]
    let error = TupleError.malformed(offset: 32, .nestedTooDeeply)
    #expect(throws: error) { try Tuple(encoded: deeper) }
    #expect(throws: error) { try Tuple.decode(deeper, as: Tuple.self) }
    #expect(throws: error) { try Tuple.decode(deeper, as: Tuple.Element.self) }
    let deepest = [UInt8](repeating: TupleCode.tuple, count: 1 << 20)
    #expect(throws: error) { try Tuple(encoded: deepest) }
    #expect(throws: error) { try Tuple.decode(deepest, as: Tuple.self) }
  }

  @Test func `nesting a tuple too deep traps`() async {
    await #expect(processExitsWith: .failure) {
      var tuple = Tuple()
      for _ in 0...Tuple.nestingLimit { tuple = Tuple(tuple) }
    }
  }

  @Test func `an integer beyond 64 bits traps`() async {
    await #expect(processExitsWith: .failure) { _ = Tuple(Tuple.Element.integer(1 << 64)) }
  }

  @Test func `bytes that are accepted are the only encoding of what they mean`() {
    var make = TupleMaker(seed: testSeed())
    var (acceptedCount, refusedCount) = (0, 0)
    for _ in 0..<12_000 {
      var key = Tuple(elements: make.elements()).bytes
      for _ in 0..<Int.random(in: 1...3, using: &make.random) {
        Self.damage(&key, &make.random)
      }
      do throws(TupleError) {
        let tuple = try Tuple(encoded: key)
        acceptedCount += 1
        #expect(tuple.bytes == key)
        #expect(Tuple(elements: tuple.elements).bytes == key)
      } catch {
        refusedCount += 1
        guard case .malformed(let offset, _) = error else {
          Issue.record("\(error)")
          continue
        }
        #expect((0..<key.count).contains(offset))
      }
    }
    #expect(acceptedCount > 1000)
    #expect(refusedCount > 1000)
  }

  private static func damage(_ key: inout [UInt8], _ random: inout SeededGenerator) {
    let place = Int.random(in: 0...key.count, using: &random)
    let codes: [UInt8] = [0, 0, 0xFF, 1, 2, 5, 0x0C, 0x13, 0x14, 0x15, 0x1C, 0x21, 0x26, 0x30]
    switch Int.random(in: 0..<4, using: &random) {
    case 0: key.insert(codes.randomElement(using: &random)!, at: place)
    case 1 where place < key.count: key.remove(at: place)
    case 2 where place < key.count: key[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    default: key.removeSubrange(place...)
    }
  }

  @Test func `any bytes are borne by every reading`() {
    var random = SeededGenerator(seed: testSeed())
    for _ in 0..<8000 {
      let key = random.bytes(count: Int.random(in: 0...24, using: &random))
      _ = try? Tuple(encoded: key)
      _ = try? Tuple.decode(key, as: String.self, Int.self)
      _ = try? Tuple.decode(key, as: Tuple?.self, UInt8?.self, Tuple.Element.self)
      _ = try? Tuple.decode(key, as: Double.self, [UInt8].self)
      _ = try? Tuple.decode(key, as: Float.self, Bool.self)
    }
  }

  @Test func `errors read as sentences`() {
    let cases: [(TupleError, String)] = [
      (
        .malformed(offset: 3, .truncated),
        "not a tuple's encoding: at byte 3, an element that the end cuts off"
      ),
      (
        .typeMismatch(index: 1, expected: .string, found: .integer),
        "element 1 of the tuple is of type integer, not string"
      ),
      (.notRepresentable(index: 0, type: "Int8"), "element 0 of the tuple is no value of Int8"),
      (
        .missingElement(index: 2, expected: .bool),
        "the tuple ends after 2 elements; expected one more, of type Bool"
      ),
      (.extraElement(index: 2), "the tuple has more than 2 elements"),
    ]
    for (error, text) in cases { #expect("\(error)" == text) }
  }
}
