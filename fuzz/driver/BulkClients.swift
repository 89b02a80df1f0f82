/// The one who writes the bulk keys, and those who read them meanwhile.
extension Client {
  private static let perCommand = 400

  /// Loads, deletes and overwrites ranges; reads a page when all is acknowledged.
  func stepOfBulk(_ bulk: Bulk) throws(Stop) {
    let newest = bulk.newest
    let count = newest.count { $0 != 0 }
    if count < Bulk.keyCount / 3 || random.once(in: 5) {
      let low = random.once(in: 2) ? 0 : random.below(Bulk.keyCount / 2)
      try load(bulk, low..<random.within((low + 1)...Bulk.keyCount))
      if random.once(in: 2) { try checkpoint() }
      return
    }
    switch random.below(6) {
    case 0: try remove(bulk, 0..<Bulk.keyCount, words("KV.DELPREFIX", Bulk.prefix))
    case 1:
      let digit = random.below(Bulk.keyCount / 10_000)
      try remove(
        bulk, (digit * 10_000)..<((digit + 1) * 10_000),
        words("KV.DELPREFIX", "\(Bulk.prefix)\(digit)"))
    case 2, 3:
      let low = random.below(Bulk.keyCount - 1)
      let high = random.within((low + 1)...(Bulk.keyCount - 1))
      try remove(
        bulk, low..<high, words("KV.DELRANGE", Bulk.name(low), Bulk.name(high)))
    case 4:
      // Behind a range delete that is still being carried out: these must survive it.
      let low = random.below(Bulk.keyCount - 100)
      try load(bulk, low..<(low + 100))
    default: try readBulkPage(bulk)
    }
  }

  private func load(_ bulk: Bulk, _ keys: Range<Int>) throws(Stop) {
    let generation = bulk.takeGeneration()
    var open = 0
    for first in stride(from: keys.lowerBound, to: keys.upperBound, by: Self.perCommand) {
      if plan.stop.isSet { break }
      let part = first..<min(first + Self.perCommand, keys.upperBound)
      var command = words("MSET")
      for key in part {
        command.append(Array(Bulk.name(key).utf8))
        command.append(Bulk.value(key, generation))
      }
      bulk.send(Bulk.Change(keys: part, generation: generation))
      try send(Connection.encode(command))
      open += 1
      if open == 8 {
        try acknowledge(bulk)
        open -= 1
      }
    }
    for _ in 0..<open { try acknowledge(bulk) }
  }

  private func acknowledge(_ bulk: Bulk) throws(Stop) {
    let reply = try receive(words("MSET")[0])
    guard reply == .simple("OK") else { throw unexpected(reply, to: "MSET of bulk keys") }
    bulk.acknowledge()
  }

  private func remove(_ bulk: Bulk, _ keys: Range<Int>, _ command: [[UInt8]]) throws(Stop) {
    bulk.send(Bulk.Change(keys: keys, generation: 0))
    try send(Connection.encode(command))
    try acknowledge(bulk)
  }

  private func readBulkPage(_ bulk: Bulk) throws(Stop) {
    let low = random.below(Bulk.keyCount - 1)
    let high = random.within((low + 1)...min(low + 2000, Bulk.keyCount - 1))
    let reply = try exchange(
      words("KV.RANGE", Bulk.name(low), Bulk.name(high), "LIMIT", "5000"))
    guard let elements = reply.elements else { throw unexpected(reply, to: "KV.RANGE") }
    var found = [Int32](repeating: 0, count: high - low)
    for index in stride(from: 0, to: elements.count - 1, by: 2) {
      guard let name = elements[index].bytes, let key = Bulk.number(of: name),
        (low..<high).contains(key), let value = elements[index + 1].bytes
      else { throw unexpected(elements[index], to: "KV.RANGE, as a bulk key") }
      found[key - low] = Bulk.generation(of: value, key: key) ?? -1
    }
    let expected = Array(bulk.newest[low..<high])
    if let wrong = found.indices.first(where: { found[$0] != expected[$0] }) {
      plan.findings.add(
        "\(Bulk.name(low + wrong)) was read as generation \(found[wrong]), the only writer made it \(expected[wrong])"
      )
    }
  }

  /// How many there are at one cut is how many there were after some number of changes.
  func stepOfBulkReader(_ bulk: Bulk) throws(Stop) {
    let first = bulk.acknowledgedCount
    let command =
      random.once(in: 2)
      ? words("KEYS", Bulk.prefix + "*")
      : words("KV.PREFIX", Bulk.prefix, "LIMIT", "100000", "KEYS")
    let reply = try exchange(command)
    guard let names = reply.elements else { throw unexpected(reply, to: "KEYS") }
    if !bulk.allows(count: names.count, since: first) {
      plan.findings.add("\(names.count) bulk keys at one cut, which no number of changes makes")
    }
    try countKeys()
  }
}
