import Base
import Testing

@testable import KVStore

@Suite struct TupleDecodingTests {
  enum Status: String, TupleElement { case open, paid }

  struct Priority: RawRepresentable, TupleElement, Equatable {
    var rawValue: UInt8
    init?(rawValue: UInt8) {
      if rawValue > 9 { return nil }
      self.rawValue = rawValue
    }
  }

  struct OrderID: TupleElement, Equatable {
    var number: Int64
    func append(to tuple: inout Tuple) { tuple.append(number) }
    init(_ number: Int64) { self.number = number }
    init(from decoder: inout TupleDecoder) throws(TupleError) {
      self.init(try decoder.next())
    }
  }

  @Test func `elements come back as they were`() throws {
    var make = TupleMaker(seed: testSeed())
    for _ in 0..<8000 {
      let elements = make.elements()
      let tuple = Tuple(elements: elements)
      #expect(TupleModel.compare(tuple.elements, elements) == 0, "\(tuple)")
      #expect(try Tuple(encoded: tuple) == tuple)
      #expect(Tuple(elements: tuple.elements) == tuple)
      let nested = try Tuple(Tuple(Tuple(tuple))).decode(as: Tuple.self).decode(as: Tuple.self)
      #expect(try nested.decode(as: Tuple.self) == tuple)
    }
  }

  @Test func `every type is decoded as itself`() throws {
    let key = Tuple(
      "text", "part"[...], [1, 0, 2] as [UInt8], [3][...] as ArraySlice<UInt8>, true, -1.5,
      Float(0.1), Tuple("a", nil as Int?, 7))
    let (text, part, bytes, slice, flag, double, float, inner) = try Tuple.decode(
      key, as: String.self, Substring.self, [UInt8].self, ArraySlice<UInt8>.self, Bool.self,
      Double.self, Float.self, Tuple.self)
    #expect(text == "text")
    #expect(part == "part")
    #expect(bytes == [1, 0, 2])
    #expect(slice == [3])
    #expect(flag)
    #expect(double == -1.5)
    #expect(float == 0.1)
    let (a, nothing, seven) = try inner.decode(as: String.self, Int?.self, Int.self)
    #expect(a == "a")
    #expect(nothing == nil)
    #expect(seven == 7)
  }

  @Test func `the bytes may be in any form`() throws {
    let tuple = Tuple("a", 7)
    let array = tuple.bytes
    #expect(try Tuple.decode(array, as: String.self, Int.self) == ("a", 7))
    #expect(try Tuple.decode(array[...], as: String.self, Int.self) == ("a", 7))
    #expect(try Tuple.decode(array.span, as: String.self, Int.self) == ("a", 7))
    #expect(try Tuple.decode(array.rawSpan, as: String.self, Int.self) == ("a", 7))
    #expect(try Tuple(encoded: array.rawSpan) == tuple)
    #expect(try Tuple.decode([] as [UInt8]) == ())
  }

  @Test func `types of a program's own are decoded by way of others`() throws {
    let priority = try #require(Priority(rawValue: 3))
    let key = Tuple(Status.paid, priority, OrderID(77), OrderID?.none)
    #expect(key == Tuple("paid", 3, 77, nil as Int?))
    let (status, level, order, none) = try Tuple.decode(
      key, as: Status.self, Priority.self, OrderID.self, OrderID?.self)
    #expect(status == .paid)
    #expect(level == priority)
    #expect(order == OrderID(77))
    #expect(none == nil)
    #expect(throws: TupleError.notRepresentable(index: 1, type: "Status")) {
      try Tuple("x", "lost").decode(as: String.self, Status.self)
    }
    #expect(throws: TupleError.notRepresentable(index: 0, type: "Priority")) {
      try Tuple(10).decode(as: Priority.self)
    }
    #expect(throws: TupleError.notRepresentable(index: 0, type: "UInt8")) {
      try Tuple(256).decode(as: Priority.self)
    }
  }

  @Test func `an integer is read in any width that it fits into`() throws {
    for value in [Int64.min, -32769, -129, -1, 0, 1, 127, 128, 255, 65536, .max] {
      let tuple = Tuple(value)
      expect(tuple, Int8(exactly: value))
      expect(tuple, Int16(exactly: value))
      expect(tuple, Int32(exactly: value))
      expect(tuple, Int64(exactly: value))
      expect(tuple, Int(exactly: value))
      expect(tuple, UInt8(exactly: value))
      expect(tuple, UInt16(exactly: value))
      expect(tuple, UInt32(exactly: value))
      expect(tuple, UInt64(exactly: value))
      expect(tuple, UInt(exactly: value))
    }
    expect(Tuple(UInt64.max), UInt64.max)
    expect(Tuple(UInt64.max), Int64?.none)
    expect(Tuple(Tuple.Element.integer(-(1 << 63) - 1)), Int64?.none)
  }

  private func expect<Integer: FixedWidthInteger & TupleElement>(
    _ tuple: Tuple, _ expected: Integer?
  ) {
    let error = TupleError.notRepresentable(index: 0, type: "\(Integer.self)")
    do throws(TupleError) {
      #expect(try tuple.decode(as: Integer.self) == expected)
    } catch {
      #expect(expected == nil, "\(tuple)")
      #expect(error == .notRepresentable(index: 0, type: "\(Integer.self)"))
    }
    if expected == nil { #expect(throws: error) { try tuple.decode(as: Integer.self) } }
  }

  @Test func `another number of elements, or another type, is an error that says which`() {
    let key = Tuple("a", 7)
    #expect(throws: TupleError.missingElement(index: 2, expected: .bool)) {
      try key.decode(as: String.self, Int.self, Bool.self)
    }
    #expect(throws: TupleError.missingElement(index: 2, expected: .integer)) {
      try key.decode(as: String.self, Int.self, Int?.self)
    }
    #expect(throws: TupleError.extraElement(index: 1)) { try key.decode(as: String.self) }
    #expect(throws: TupleError.extraElement(index: 0)) { try key.decode() }
    #expect(throws: TupleError.typeMismatch(index: 1, expected: .string, found: .integer)) {
      try key.decode(as: String.self, String.self)
    }
    #expect(throws: TupleError.typeMismatch(index: 0, expected: .bytes, found: .string)) {
      try key.decode(as: [UInt8].self, Int.self)
    }
    #expect(throws: TupleError.typeMismatch(index: 0, expected: .double, found: .float)) {
      try Tuple(Float(1)).decode(as: Double.self)
    }
    #expect(throws: TupleError.typeMismatch(index: 0, expected: .integer, found: .null)) {
      try Tuple(nil as Int?).decode(as: Int.self)
    }
    #expect(throws: TupleError.typeMismatch(index: 1, expected: .integer, found: .bool)) {
      try Tuple(Tuple(1, 2, 3), true).decode(as: Tuple.self, Int.self)
    }
    #expect(throws: TupleError.missingElement(index: 0)) {
      try Tuple().decode(as: Tuple.Element.self)
    }
  }

  @Test func `a decoder reads on after it has asked for the wrong type`() throws {
    let tuple = Tuple(5, "x", nil as Int?)
    var decoder = TupleDecoder(tuple.bytes.rawSpan)
    var error: TupleError?
    do throws(TupleError) { _ = try decoder.next(String.self) } catch let thrown { error = thrown }
    #expect(error == .typeMismatch(index: 0, expected: .string, found: .integer))
    #expect(decoder.index == 0)
    let five = try decoder.next(Int.self)
    let element: String = try decoder.next()
    #expect(five == 5)
    #expect(element == "x")
    #expect(decoder.index == 2)
    #expect(decoder.isAtEnd == false)
    do throws(TupleError) { try decoder.finish() } catch let thrown { error = thrown }
    #expect(error == .extraElement(index: 2))
    let last = try decoder.next(Tuple.Element.self)
    #expect(last == .null)
    #expect(decoder.isAtEnd == true)
    try decoder.finish()
  }

  @Test func `a UUID comes back as its number`() throws {
    let uuid: UInt128 = 1 << 127 | 5
    var tuple = Tuple("u")
    tuple.append(uuid: uuid)
    var decoder = TupleDecoder(tuple.bytes.rawSpan)
    let text = try decoder.next(String.self)
    let number = try decoder.nextUUID()
    #expect(text == "u")
    #expect(number == uuid)
    #expect(tuple.elements == [.string("u"), .uuid(uuid)])
  }
}
