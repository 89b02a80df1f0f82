/// Everything that a store holds, read through the daemon while nobody writes, in several ways that
/// must agree.
struct Contents {
  private(set) var states: [State]
  private(set) var values: [[UInt8]?]
  /// The generation of each bulk key; empty where there are none.
  private(set) var bulk: [Int32] = []
  /// What the daemon's clock can have shown meanwhile.
  private(set) var clock = 0...0
  /// The keys of the store that the pages had, those left out that may go at any time.
  private var lasting: [String] = []

  /// Nil if the daemon ended before it had answered everything.
  init?(
    port: Int, universe: Universe, findings: Findings, time: ExpiryTime, hasBulk: Bool = false
  ) {
    let start = System.now()
    states = Array(repeating: .absent, count: universe.keys.count)
    values = Array(repeating: nil, count: universe.keys.count)
    if hasBulk { bulk = Array(repeating: 0, count: Bulk.keyCount) }
    guard let connection = Connection(port: port) else { return nil }
    do throws(Connection.Failure) {
      let count = try readPages(connection, universe, findings)
      try readContainers(connection, universe, findings, time)
      try compare(connection, universe, findings, count: count)
    } catch {
      if error != .ended { findings.add("the contents could not be read: \(error)") }
      return nil
    }
    clock = time.reading(from: start, to: System.now())
    checkInvariants(universe, findings)
  }

  /// Pages of an ordered range, one behind the other; how many entries they had that never expire.
  private mutating func readPages(
    _ connection: Connection, _ universe: Universe, _ findings: Findings
  ) throws(Connection.Failure) -> Int {
    var start = Array("-".utf8)
    var count = 0
    var last: [UInt8] = []
    while true {
      let reply = try connection.call([
        Array("KV.RANGE".utf8), start, Array("+".utf8), Array("LIMIT".utf8),
        Array((last.starts(with: Bulk.prefix.utf8) ? "10000" : "70").utf8),
      ])
      guard let elements = reply.elements else {
        findings.add("KV.RANGE was answered \(reply)")
        return count
      }
      if elements.isEmpty { return count }
      for index in stride(from: 0, to: elements.count - 1, by: 2) {
        guard let name = elements[index].bytes else {
          findings.add("KV.RANGE returned no key")
          return count
        }
        if count > 0, !last.lexicographicallyPrecedes(name) {
          findings.add("KV.RANGE is out of order")
        }
        last = name
        let text = String(decoding: name, as: UTF8.self)
        if universe.isMortal(text) { continue }
        count += 1
        if !bulk.isEmpty, let key = Bulk.number(of: name), let bytes = elements[index + 1].bytes {
          bulk[key] = Bulk.generation(of: bytes, key: key) ?? -1
          continue
        }
        lasting.append(text)
        if universe.containerNumbers[text] != nil, elements[index + 1] == .null { continue }
        guard let key = universe.numbers[text], let bytes = elements[index + 1].bytes else {
          findings.add("a key that nobody wrote: \(text)")
          continue
        }
        values[key] = bytes
        states[key] = universe.state(of: bytes, key: key)
        if states[key].kind == .unreadable {
          findings.add("\(text) holds \(bytes.count) bytes that nobody wrote")
        }
      }
      start = [UInt8(ascii: "=")] + last + [0]
    }
  }

  /// MGET, the scan backward, SCAN and DBSIZE against the pages.
  private func compare(
    _ connection: Connection, _ universe: Universe, _ findings: Findings, count: Int
  ) throws(Connection.Failure) {
    let strings = universe.numbers.values.filter { universe.keys[$0].kind != .mortal }.sorted()
    for first in stride(from: 0, to: strings.count, by: 50) {
      let keys = strings[first..<min(first + 50, strings.count)]
      let reply = try connection.call(
        [Array("MGET".utf8)] + keys.map { Array(universe.keys[$0].name.utf8) })
      guard let replies = reply.elements, replies.count == keys.count else {
        findings.add("MGET was answered \(reply)")
        return
      }
      for (key, reply) in zip(keys, replies) where reply.bytes != values[key] {
        findings.add("\(universe.keys[key].name): MGET and KV.RANGE differ")
      }
    }
    let size = try connection.call("DBSIZE")
    // What has expired counts until it is removed.
    if !(count...(count + universe.mortalCount)).contains(size.integer ?? -1) {
      findings.add("DBSIZE says \(size), a scan found \(count) that never expire")
    }
    let names = lasting + bulk.indices.filter { bulk[$0] != 0 }.map(Bulk.name)
    func thatLast(_ keys: [[UInt8]]) -> [[UInt8]] {
      keys.filter { !universe.isMortal(String(decoding: $0, as: UTF8.self)) }
    }
    let expected = names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    let backward = try connection.call("KV.REVRANGE", "-", "+", "LIMIT", "100000", "KEYS")
    if thatLast(backward.elements?.compactMap(\.bytes) ?? []) != expected.reversed() {
      findings.add("KV.REVRANGE and KV.RANGE differ")
    }
    var (cursor, scanned): ([UInt8], [[UInt8]]) = (Array("0".utf8), [])
    repeat {
      let scan = try connection.call([
        Array("SCAN".utf8), cursor, Array("COUNT".utf8), Array("10000".utf8),
      ])
      guard let parts = scan.elements, parts.count == 2, let next = parts[0].bytes else {
        findings.add("SCAN was answered \(scan)")
        return
      }
      scanned += parts[1].elements?.compactMap(\.bytes) ?? []
      cursor = next
    } while cursor != Array("0".utf8)
    if thatLast(scanned) != expected { findings.add("SCAN and KV.RANGE differ") }
  }

  mutating func set(_ key: Int, to state: State) { states[key] = state }

  /// Whether the pages had this key.
  func hasKey(_ name: String) -> Bool { lasting.contains(name) }

  private func checkInvariants(_ universe: Universe, _ findings: Findings) {
    func reads(_ keys: [Int]) -> [Effect] {
      keys.map { Effect(key: $0, change: .read(states[$0])) }
    }
    for group in universe.stamps {
      Invariant.checkStamps(reads(group.keys), of: group, in: universe, findings)
    }
    Invariant.checkPurses(reads(universe.purses), universe, findings)
    for pair in universe.wholes {
      let wholes = pair.map { universe.containers[$0] }
      Invariant.checkNames(wholes, wholes.map { states[$0.cells[0]] }, findings)
    }
    for pair in universe.lists { Invariant.checkPair(reads(pair), pair, universe, findings) }
    _ = Invariant.checkBank(universe.accounts.map { values[$0] }, universe, findings)
  }
}
