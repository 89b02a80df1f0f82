/// What a client is there for. A mixture meets most things; some need many doing one thing at once.
enum Role: Sendable {
  case everything
  /// Hashes, sets, what expires, and scripts.
  case types
  /// Hashes that come and go, and commands of another type that meet them before they are durable.
  case clashes
  /// Stamped batches and nothing else, with readers that see half of one at once, while others seal
  /// the memtables under them: for the consistent cut.
  case stamps, cuts, seals
  /// KEYS, SCAN and DBSIZE, so that some are under way at any kill.
  case scans
  /// Commands of a few bytes that write large values again, as EXPIRE does.
  case heavy
  /// Sends requests and never reads a reply.
  case deaf
  case bulk(Bulk)
  case bulkReader(Bulk)
}

extension Client {
  func stepOfRole() throws(Stop) {
    switch plan.role {
    case .everything: if random.once(in: 3) { try stepOfTypes() } else { try step() }
    case .types: try stepOfTypes()
    case .clashes: try stepOfClashes()
    case .stamps: try writeStamp()
    case .cuts: try readStamp()
    case .seals: try checkpoint()
    case .scans:
      if random.once(in: 2) { try scanAll() } else { try listKeys() }
      try countKeys()
    case .heavy: try stepOfHeavy()
    case .deaf: try pour()
    case .bulk(let bulk): try stepOfBulk(bulk)
    case .bulkReader(let bulk): try stepOfBulkReader(bulk)
    }
  }

  private func stepOfTypes() throws(Stop) {
    switch random.below(10) {
    case 0..<3: try stepOfMaps()
    case 3: try stepOfSets()
    case 4..<6: try stepOfMortals()
    case 6..<8: try stepOfWholes()
    default: try stepOfScripts()
    }
  }

  func checkpoint() throws(Stop) {
    let reply = try exchange(words("KV.CHECKPOINT"))
    guard reply == .simple("OK") else { throw unexpected(reply, to: "KV.CHECKPOINT") }
  }

  func countKeys() throws(Stop) {
    let most = universe.storedCount + (plan.hasBulk ? Bulk.keyCount : 0)
    let reply = try exchange(words("DBSIZE"))
    guard let count = reply.integer, (0...most).contains(count) else {
      throw unexpected(reply, to: "DBSIZE")
    }
  }

  /// KEYS of a group: in order, and no strange ones.
  func listKeys() throws(Stop) {
    let group = random.element(of: universe.groups + universe.stamps)
    let reply = try exchange(words("KEYS", group.prefix + "*"))
    guard let elements = reply.elements else { throw unexpected(reply, to: "KEYS") }
    let found = elements.compactMap { element in
      element.bytes.flatMap { universe.numbers[String(decoding: $0, as: UTF8.self)] }
    }
    if found.count != elements.count || found != group.keys.filter(found.contains) {
      plan.findings.add("KEYS \(group.prefix)* is out of order or has strange keys")
    }
    if group.prefix.hasPrefix("stamp"), ![0, group.keys.count].contains(found.count) {
      plan.findings.add("KEYS \(group.prefix)* found \(found.count) of \(group.keys.count) keys")
    }
  }

  /// Requests with large replies, and now and then a write, until no more go; then silence.
  private func pour() throws(Stop) {
    var bytes: [UInt8] = []
    for _ in 0..<20 {
      bytes += Connection.encode(words("MGET") + (universe.hot + universe.cold).map(name))
    }
    if random.once(in: 8) {
      // Few, and of cold keys: every write of unknown outcome doubles what the judge has to think of.
      let (key, number) = (random.element(of: universe.cold), takeNumber())
      let (value, state) = value(for: key, operation: number)
      _ = begin("SET", number, [Effect(key: key, change: .write(state))])
      bytes += Connection.encode(words("SET") + [name(key), value])
    }
    var rest = bytes[...]
    while !rest.isEmpty, !plan.stop.isSet {
      guard let count = connection.sendAtOnce(rest) else { throw .ended }
      rest = rest.dropFirst(count)
      if count == 0 { System.sleep(milliseconds: 2) }
    }
  }
}
