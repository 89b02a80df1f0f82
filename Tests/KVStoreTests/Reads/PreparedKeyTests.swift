import Base
import Testing

@testable import KVStore

/// What was found out about a key before its request runs, against what has become of the key meanwhile.
@Suite struct PreparedKeyTests {
  private let key = bytes("key")

  private func lookAhead(to key: [UInt8], with reader: Reader, isRun: Bool = true) {
    let lookups = LookupPrefetcher()
    lookups.append(0..<key.count, of: key.rawSpan, readsFile: true, in: reader)
    if isRun { lookups.run(in: key.rawSpan, reader) }
    lookups.expect(at: 0, in: key.rawSpan, behind: 0, reader)
  }

  private func value(_ key: [UInt8], _ reader: Reader) throws -> [UInt8]? {
    try reader.withValue(of: key.rawSpan) { copy($0) }
  }

  /// A store in whose file `key` has the value "old", and a reader that takes it to be absent there.
  private func misleading(
    _ body: (Store, Reader) throws -> Void
  ) throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    try fixture.store.put(key, bytes("old"))
    try fixture.store.checkpoint()
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    lookAhead(to: key, with: reader)
    guard case .stored = reader.expected.finding.extent else {
      throw FixtureError(message: "the look ahead has found no value")
    }
    reader.expected.finding.extent = .absent
    #expect(try value(key, reader) == nil, "what was found is not used at all")
    try body(fixture.store, reader)
  }

  private struct FixtureError: Error { let message: String }

  @Test func `a finding gives way to what a memtable holds`() throws {
    try misleading { store, reader throws in
      try store.put(key, bytes("new"))
      #expect(try value(key, reader) == bytes("new"))
    }
  }

  @Test func `a finding ends when a memtable has been applied`() throws {
    try misleading { store, reader throws in
      try store.put(bytes("other"), bytes("value"))
      try store.checkpoint()
      #expect(try value(key, reader) == bytes("old"))
    }
  }

  @Test func `a finding ends with a range delete, whatever it deletes`() throws {
    try misleading { store, reader throws in
      try store.deletePrefix(bytes("other"))
      #expect(try value(key, reader) == bytes("old"))
    }
  }

  @Test func `a finding ends when its reader lets go of the view`() throws {
    try misleading { _, reader throws in
      reader.end()
      lookAhead(to: key, with: reader, isRun: false)
      #expect(try value(key, reader) == bytes("old"))
    }
  }

  @Test func `a finding of an earlier view is not handed on into a later one`() throws {
    try misleading { store, reader throws in
      let lookups = LookupPrefetcher()
      lookups.append(0..<key.count, of: key.rawSpan, readsFile: true, in: reader)
      lookups.run(in: key.rawSpan, reader)
      try store.put(key, bytes("new"))
      try store.checkpoint()
      lookups.expect(at: 0, in: key.rawSpan, behind: 0, reader)
      #expect(try value(key, reader) == bytes("new"))
    }
  }

  @Test func `a finding is for the key whose bytes were shown, not for others and not afterwards`()
    throws
  {
    try misleading { store, reader throws in
      let elsewhere = bytes("key")
      #expect(try value(elsewhere, reader) == bytes("old"))
      reader.clearPreparedKey()
      #expect(try value(key, reader) == bytes("old"))
    }
  }

  @Test func `an evaluation reads with its caller's reader what that has found`() throws {
    try misleading { store, reader throws in
      let key = key
      let read = { () throws in
        try store.evaluate(with: reader) { evaluation throws(StoreError) in
          try evaluation.withValue(of: key.rawSpan) { copy($0) }
        }.result
      }
      #expect(try read() == nil)
      try store.put(bytes("other"), bytes("value"))
      try store.checkpoint()
      #expect(try read() == bytes("old"))
    }
  }

  @Test func `whatever happens between the steps, what is read is the newest`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try StoreFixture()
    let store = fixture.store
    let reader = store.makeReader()
    defer { reader.close() }
    let keys = (0..<24).map { bytes("key \($0)") }
    let own = bytes("own")
    var model: [[UInt8]: [UInt8]] = [:]
    func change() throws {
      let key = keys.randomElement(using: &random)!
      switch Int.random(in: 0..<16, using: &random) {
      case 0..<5:
        let value = bytes("\(UInt64.random(in: .min ... .max, using: &random))")
        try store.put(key, value)
        model[key] = value
      case 5..<7:
        let wasThere = model.removeValue(forKey: key) != nil
        #expect(try store.delete(key) == wasThere)
      case 7:
        try store.deletePrefix(key)
        model = model.filter { !$0.key.starts(with: key) }
      case 8..<11: try store.checkpoint()
      case 11: reader.end()
      default: break
      }
    }
    let lookups = LookupPrefetcher()
    for _ in 0..<100 {
      let asked = (0..<Int.random(in: 1...LookupPrefetcher.limit, using: &random)).map { _ in
        keys.randomElement(using: &random)!
      }
      let input = asked.flatMap { $0 }
      lookups.removeAll()
      var places: [Range<Int>] = []
      for key in asked {
        let end = places.last?.upperBound ?? 0
        places.append(end..<end + key.count)
        lookups.append(
          places[places.count - 1], of: input.rawSpan, readsFile: .random(using: &random),
          in: reader)
      }
      try change()
      lookups.run(in: input.rawSpan, reader)
      for (index, place) in places.enumerated() where Bool.random(using: &random) {
        let key = asked[index]
        try change()
        lookups.expect(at: index, in: input.rawSpan, behind: 0, reader)
        for _ in 0..<Int.random(in: 0..<3, using: &random) {
          try reader.touch(input.rawSpan.extracting(place))
          try change()
        }
        let read = try reader.withValue(of: input.rawSpan.extracting(place)) { copy($0) }
        #expect(read == model[key])
        try change()
        let seen = try store.evaluate(with: reader) { evaluation throws(StoreError) in
          let key = input.rawSpan.extracting(place)
          let seen = try evaluation.withValue(of: key) { copy($0) }
          try evaluation.put(key, own.rawSpan)
          let after = try evaluation.withValue(of: key) { copy($0) }
          #expect(after == own)
          return seen
        }
        #expect(seen.result == model[key])
        model[key] = own
        try store.waitUntilDurable(seen.receipt)
        let after = try reader.withValue(of: input.rawSpan.extracting(place)) { copy($0) }
        #expect(after == own)
        reader.clearPreparedKey()
      }
    }
  }
}
