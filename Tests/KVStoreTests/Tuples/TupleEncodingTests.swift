import Testing

@testable import KVStore

/// The bytes that tuples are encoded as. They are in keys on disk: these never change.
@Suite struct TupleEncodingTests {
  @Test(
    arguments: [
      (Tuple(), ""),
      (Tuple(nil as Int?), "00"),
      (Tuple(nil as Int?, nil as String?), "00 00"),
      (Tuple([] as [UInt8]), "01 00"),
      (Tuple([0x00, 0xFF, 0x01] as [UInt8]), "01 00 ff ff 01 00"),
      (Tuple([0x00, 0x00] as [UInt8]), "01 00 ff 00 ff 00"),
      (Tuple([1, 2, 3, 4][1...2] as ArraySlice<UInt8>), "01 02 03 00"),
      (Tuple(""), "02 00"),
      (Tuple("user", 42), "02 75 73 65 72 00 15 2a"),
      (Tuple("user:\0x".dropFirst(5)), "02 00 ff 78 00"),
      (Tuple("é€😀"), "02 c3 a9 e2 82 ac f0 9f 98 80 00"),
      (Tuple(Tuple()), "05 00"),
      (Tuple(Tuple(nil as Int?)), "05 00 ff 00"),
      (Tuple(Tuple("a", nil as Int?), "b\0"), "05 02 61 00 00 ff 00 02 62 00 ff 00"),
      (Tuple(Tuple(Tuple(nil as Int?), nil as Int?)), "05 05 00 ff 00 00 ff 00"),
      (Tuple(false, true), "26 27"),
      (Tuple(0.0), "21 80 00 00 00 00 00 00 00"),
      (Tuple(-0.0), "21 7f ff ff ff ff ff ff ff"),
      (Tuple(1.5), "21 bf f8 00 00 00 00 00 00"),
      (Tuple(-1.5), "21 40 07 ff ff ff ff ff ff"),
      (Tuple(Double.infinity), "21 ff f0 00 00 00 00 00 00"),
      (Tuple(-Double.infinity), "21 00 0f ff ff ff ff ff ff"),
      (Tuple(Float(1.5)), "20 bf c0 00 00"),
      (Tuple(-Float.infinity), "20 00 7f ff ff"),
      (Tuple("user", -1, nil as Int?), "02 75 73 65 72 00 13 fe 00"),
    ])
  func `the examples of every type`(tuple: Tuple, hex: String) {
    #expect(tuple.bytes == bytes(hex: hex))
  }

  @Test(
    arguments: [
      (0, "14"), (1, "15 01"), (-1, "13 fe"), (255, "15 ff"), (-255, "13 00"), (256, "16 01 00"),
      (-256, "12 fe ff"), (65535, "16 ff ff"), (65536, "17 01 00 00"),
      (1 << 24, "18 01 00 00 00"), (1 << 32, "19 01 00 00 00 00"),
      (1 << 40, "1a 01 00 00 00 00 00"),
      (1 << 48, "1b 01 00 00 00 00 00 00"), (1 << 56, "1c 01 00 00 00 00 00 00 00"),
      (-(1 << 56), "0c fe ff ff ff ff ff ff ff"), (Int64.max, "1c 7f ff ff ff ff ff ff ff"),
      (Int64.min, "0c 7f ff ff ff ff ff ff ff"),
    ] as [(Int64, String)])
  func `integers take as few bytes as they can`(value: Int64, hex: String) {
    #expect(Tuple(value).bytes == bytes(hex: hex))
  }

  @Test func `an integer has one encoding, whatever its width`() {
    #expect(Tuple(UInt64.max).bytes == bytes(hex: "1c ff ff ff ff ff ff ff ff"))
    #expect(
      Tuple(Tuple.Element.integer(-(1 << 64) + 1)).bytes == bytes(hex: "0c 00 00 00 00 00 00 00 00")
    )
    let seven: [Tuple] = [
      Tuple(7 as Int8), Tuple(7 as Int16), Tuple(7 as Int32), Tuple(7 as Int64), Tuple(7 as Int),
      Tuple(7 as UInt8), Tuple(7 as UInt16), Tuple(7 as UInt32), Tuple(7 as UInt64),
      Tuple(7 as UInt), Tuple(Tuple.Element.integer(7)), Tuple(7 as Int?),
    ]
    #expect(Set(seven) == [Tuple(7)])
  }

  @Test func `every NaN is encoded as one`() {
    let patterns: [UInt64] = [
      0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0xFFFF_FFFF_FFFF_FFFF,
    ]
    for pattern in patterns {
      #expect(Tuple(Double(bitPattern: pattern)).bytes == bytes(hex: "21 ff f8 00 00 00 00 00 00"))
    }
    for pattern in [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF] as [UInt32] {
      #expect(Tuple(Float(bitPattern: pattern)).bytes == bytes(hex: "20 ff c0 00 00"))
    }
  }

  @Test func `a UUID is its sixteen bytes`() {
    var tuple = Tuple()
    tuple.append(uuid: 0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF)
    #expect(tuple.bytes == bytes(hex: "30 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"))
  }

  /// The examples of the specification, `design/tuple.md` in FoundationDB's repository.
  @Test func `FoundationDB writes the same bytes`() {
    #expect(Tuple(bytes("foo\0bar")).bytes == bytes(hex: "01 66 6f 6f 00 ff 62 61 72 00"))
    #expect(Tuple("F\u{D4}O\0bar").bytes == bytes(hex: "02 46 c3 94 4f 00 ff 62 61 72 00"))
    #expect(
      Tuple(Tuple(bytes("foo\0bar"), nil as Int?, Tuple())).bytes
        == bytes(hex: "05 01 66 6f 6f 00 ff 62 61 72 00 00 ff 05 00 00"))
    #expect(Tuple(-5_551_212).bytes == bytes(hex: "11 ab 4b 93"))
    #expect(Tuple(-42 as Float).bytes == bytes(hex: "20 3d d7 ff ff"))
  }

  @Test func `a tuple is the same however it is put together`() {
    let whole = Tuple("a", 1, nil as Int?, Tuple(2.5, true))
    var parts = Tuple("a")
    parts.append(1)
    parts.append(nil as Int?)
    parts.append(contentsOf: Tuple(Tuple(2.5, true)))
    #expect(parts == whole)
    #expect(Tuple("a", 1).appending(nil as Int?, Tuple(2.5, true)) == whole)
    #expect(Tuple(elements: whole.elements) == whole)
    var lent = Tuple()
    lent.append(bytes: "a\0".utf8Span.span)
    #expect(lent == Tuple(bytes("a\0")))
  }

  @Test func `a tuple is written as its elements`() {
    #expect(
      Tuple("a\"b", -7, nil as Int?, 1.5, true, Tuple([0x61, 0] as [UInt8])).description
        == #"("a\"b", -7, nil, 1.5, true, (b"a\x00"))"#)
    #expect(
      Tuple(Tuple.Element.uuid(0x11), Float(0.25)).description
        == "(00000000-0000-0000-0000-000000000011, 0.25)")
    #expect(Tuple().description == "()")
  }
}

/// The bytes of `hex`: two digits each, with spaces anywhere between.
func bytes(hex: String) -> [UInt8] {
  hex.split(separator: " ").map { UInt8($0, radix: 16)! }
}
