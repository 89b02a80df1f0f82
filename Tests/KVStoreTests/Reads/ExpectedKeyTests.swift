import Testing

@testable import KVStore

/// What was found out about a key before its request runs, against what has become of the key meanwhile.
@Suite struct ExpectedKeyTests {
  private let key = bytes("key")

  private func lookAhead(to key: [UInt8], with reader: Reader, steps: Int = 3) {
    var lookup = UpcomingLookup()
    if steps > 0 { lookup.begin(key.rawSpan, readsFile: true, in: reader) }
    if steps > 1 { lookup.find(key.rawSpan, in: reader) }
    if steps > 2 { lookup.finish(in: reader) }
    lookup.expect(key.rawSpan, in: reader)
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
    guard case .leaf = reader.expected.finding.extent else {
      throw FixtureError(message: "the look ahead has found no leaf")
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

  @Test func `a finding ends when a memtable has been carried down`() throws {
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
      lookAhead(to: key, with: reader, steps: 1)
      #expect(try value(key, reader) == bytes("old"))
    }
  }

  @Test func `a finding of an earlier view is not handed on into a later one`() throws {
    try misleading { store, reader throws in
      var lookup = UpcomingLookup()
      lookup.begin(key.rawSpan, readsFile: true, in: reader)
      lookup.find(key.rawSpan, in: reader)
      try store.put(key, bytes("new"))
      try store.checkpoint()
      lookup.finish(in: reader)
      lookup.expect(key.rawSpan, in: reader)
      #expect(try value(key, reader) == bytes("new"))
    }
  }

  @Test func `a finding is for the key whose bytes were shown, not for others and not afterwards`()
    throws
  {
    try misleading { store, reader throws in
      let elsewhere = bytes("key")
      #expect(try value(elsewhere, reader) == bytes("old"))
      reader.expectNothing()
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
    for _ in 0..<400 {
      let key = keys.randomElement(using: &random)!
      var lookup = UpcomingLookup()
      lookup.begin(key.rawSpan, readsFile: .random(using: &random), in: reader)
      try change()
      lookup.find(key.rawSpan, in: reader)
      try change()
      lookup.finish(in: reader)
      try change()
      lookup.expect(key.rawSpan, in: reader)
      for _ in 0..<Int.random(in: 0..<3, using: &random) {
        try reader.touch(key.rawSpan)
        try change()
      }
      #expect(try value(key, reader) == model[key])
      try change()
      let seen = try store.evaluate(with: reader) { evaluation throws(StoreError) in
        let seen = try evaluation.withValue(of: key.rawSpan) { copy($0) }
        try evaluation.put(key.rawSpan, own.rawSpan)
        let after = try evaluation.withValue(of: key.rawSpan) { copy($0) }
        #expect(after == own)
        return seen
      }
      #expect(seen.result == model[key])
      model[key] = own
      try store.waitUntilDurable(seen.receipt)
      #expect(try value(key, reader) == own)
      reader.expectNothing()
    }
  }
}
