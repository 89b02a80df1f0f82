/// What a client does next.
extension Client {
  func step() throws(Stop) {
    switch random.below(100) {
    case 0..<14: try setOne()
    case 14..<24: try get()
    case 24..<29: try delete()
    case 29..<35: try multiSet()
    case 35..<41: try multiGet()
    case 41..<47: try transaction()
    case 47..<53: try increment()
    case 53..<58: try conditionalBatch()
    case 58..<60: try deletePrefix()
    case 60..<64: try readRange()
    case 64..<66: try pipeline()
    case 66..<73: try writeStamp()
    case 73..<80: try readStamp()
    case 80..<86: try transfer()
    case 86..<89: try audit()
    case 89..<94: try appendPair()
    case 94..<96: try readPair()
    case 96..<98: try setIfAbsent()
    case 98: if random.once(in: 2) { try scanAll() } else { try listKeys() }
    default: try rarely()
    }
  }

  private func anyKey() -> Int {
    switch random.below(10) {
    case 0..<5: random.element(of: universe.hot)
    case 5..<8: random.element(of: universe.cold)
    default: random.element(of: random.element(of: universe.groups).keys)
    }
  }

  private func anyKeys(_ count: Int) -> [Int] {
    var keys: [Int] = []
    for _ in 0..<count {
      let key = anyKey()
      if !keys.contains(key) { keys.append(key) }
    }
    return keys
  }

  /// Sends a command whose reply is OK.
  private func change(
    _ name: String, _ number: Int, _ command: [[UInt8]], _ effects: [Effect]
  ) throws(Stop) {
    let place = begin(name, number, effects)
    let reply = try exchange(command)
    guard reply == .simple("OK") else { throw unexpected(reply, to: name) }
    end(place, .acknowledged)
  }

  func setOne() throws(Stop) {
    let (key, number) = (anyKey(), takeNumber())
    let (bytes, state) = value(for: key, operation: number)
    try change(
      "SET", number, words("SET") + [name(key), bytes], [Effect(key: key, change: .write(state))])
  }

  private func setIfAbsent() throws(Stop) {
    let (key, number) = (anyKey(), takeNumber())
    let (bytes, state) = value(for: key, operation: number)
    let place = begin(
      "SETNX", number, [Effect(key: key, change: .writeIfAbsent(state, isDone: nil))])
    let reply = try exchange(words("SET") + [name(key), bytes] + words("NX"))
    guard reply == .simple("OK") || reply == .null else { throw unexpected(reply, to: "SETNX") }
    end(
      place, .acknowledged,
      [Effect(key: key, change: .writeIfAbsent(state, isDone: reply != .null))])
  }

  private func get() throws(Stop) {
    let key = random.once(in: 5) ? random.element(of: universe.counters) : anyKey()
    let place = begin("GET", takeNumber(), [])
    let reply = try exchange(words("GET") + [name(key)])
    end(place, .acknowledged, [Effect(key: key, change: .read(try state(reply, key)))])
  }

  private func delete() throws(Stop) {
    let keys = anyKeys(random.once(in: 2) ? 1 : 4)
    let place = begin(
      "DEL", takeNumber(), keys.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
    let reply = try exchange(words("DEL") + keys.map(name))
    guard let count = reply.integer, (0...keys.count).contains(count) else {
      throw unexpected(reply, to: "DEL")
    }
    let isCertain = count == 0 || count == keys.count
    end(
      place, .acknowledged,
      keys.map {
        Effect(key: $0, change: .remove(wasPresent: isCertain ? count > 0 : nil))
      })
  }

  private func multiSet() throws(Stop) {
    let number = takeNumber()
    var command = words("MSET")
    var effects: [Effect] = []
    for key in anyKeys(random.within(2...7)) {
      let (bytes, state) = value(for: key, operation: number)
      command += [name(key), bytes]
      effects.append(Effect(key: key, change: .write(state)))
    }
    try change("MSET", number, command, effects)
  }

  private func multiGet() throws(Stop) {
    let keys = anyKeys(8)
    let place = begin("MGET", takeNumber(), [])
    let reply = try exchange(words("MGET") + keys.map(name))
    guard let replies = reply.elements, replies.count == keys.count else {
      throw unexpected(reply, to: "MGET")
    }
    end(place, .acknowledged, try reads(replies, keys))
  }

  private func increment() throws(Stop) {
    let key = random.element(of: universe.counters)
    let amount = random.once(in: 3) ? 1 : random.within(-50...100)
    let place = begin(
      "INCRBY", takeNumber(), [Effect(key: key, change: .add(amount, result: nil))])
    let reply = try exchange(words("INCRBY") + [name(key)] + words("\(amount)"))
    guard let result = reply.integer else { throw unexpected(reply, to: "INCRBY") }
    end(place, .acknowledged, [Effect(key: key, change: .add(amount, result: result))])
  }

  /// MULTI with writes, reads and an increment, each of a key of its own.
  private func transaction() throws(Stop) {
    let number = takeNumber()
    let keys = anyKeys(5)
    var commands: [[[UInt8]]] = []
    var effects: [Effect] = []
    for (index, key) in keys.enumerated() {
      switch index % 3 {
      case 0:
        let (bytes, state) = value(for: key, operation: number)
        commands.append(words("SET") + [name(key), bytes])
        effects.append(Effect(key: key, change: .write(state)))
      case 1:
        commands.append(words("DEL") + [name(key)])
        effects.append(Effect(key: key, change: .remove(wasPresent: nil)))
      default:
        commands.append(words("GET") + [name(key)])
        effects.append(Effect(key: key, change: .read(.absent)))
      }
    }
    let counter = random.element(of: universe.counters)
    commands.append(words("INCR") + [name(counter)])
    effects.append(Effect(key: counter, change: .add(1, result: nil)))
    let place = begin("EXEC", number, effects.filter { !$0.change.isRead })
    guard let replies = try execute(commands), replies.count == effects.count else {
      throw unexpected(.null, to: "EXEC")
    }
    for index in effects.indices {
      let (effect, reply) = (effects[index], replies[index])
      switch effect.change {
      case .read: effects[index].change = .read(try state(reply, effect.key))
      case .remove: effects[index].change = .remove(wasPresent: reply.integer.map { $0 > 0 })
      case .add(let amount, _): effects[index].change = .add(amount, result: reply.integer)
      default: break
      }
    }
    end(place, .acknowledged, effects)
  }

  /// MULTI, the commands and EXEC in one pipeline; nil if EXEC answered null.
  func execute(_ commands: [[[UInt8]]]) throws(Stop) -> [Reply]? {
    let all = [words("MULTI")] + commands + [words("EXEC")]
    try send(all.flatMap(Connection.encode))
    for _ in 0...commands.count {
      let reply = try receive(all[0][0])
      guard reply == .simple("OK") || reply == .simple("QUEUED") else {
        throw unexpected(reply, to: "MULTI")
      }
    }
    let reply = try receive(words("EXEC")[0])
    if isRefusal(reply, to: words("EXEC")[0]) { throw .refused }
    if reply == .null { return nil }
    guard let replies = reply.elements else { throw unexpected(reply, to: "EXEC") }
    return replies
  }

  private func conditionalBatch() throws(Stop) {
    let number = takeNumber()
    let keys = anyKeys(4)
    var command = words("KV.BATCH", "IF") + [name(keys[0])] + words("ABSENT")
    var effects: [Effect] = []
    for (index, key) in keys.enumerated() {
      if index == 3 {
        command += words("DEL") + [name(key)]
        effects.append(Effect(key: key, change: .remove(wasPresent: nil)))
        continue
      }
      let (bytes, state) = value(for: key, operation: number)
      command += words("SET") + [name(key), bytes]
      effects.append(
        Effect(key: key, change: index == 0 ? .writeIfAbsent(state, isDone: true) : .write(state)))
    }
    let place = begin("KV.BATCH", number, effects)
    let reply = try exchange(command)
    switch reply {
    case .simple("OK"): end(place, .acknowledged)
    case .error(let text) where text.hasPrefix("CASFAIL"):
      // What is left of it is the observation that the first key was there.
      guard case .writeIfAbsent(let state, _) = effects[0].change else { return }
      end(
        place, .acknowledged,
        [Effect(key: keys[0], change: .writeIfAbsent(state, isDone: false))])
    default: throw unexpected(reply, to: "KV.BATCH")
    }
  }

  private func deletePrefix() throws(Stop) {
    let group = random.element(of: universe.groups)
    try change(
      "KV.DELPREFIX", takeNumber(), words("KV.DELPREFIX", group.prefix),
      group.keys.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
  }

  private func readRange() throws(Stop) {
    let group = random.element(of: universe.groups)
    let place = begin("KV.PREFIX", takeNumber(), [])
    end(place, .acknowledged, try readGroup(group))
  }

  /// All keys of a group at one cut, by an ordered read in either direction.
  func readGroup(_ group: Universe.Group) throws(Stop) -> [Effect] {
    var keys = group.keys
    let command: [[UInt8]]
    switch random.below(4) {
    case 0: command = words("KV.PREFIX", group.prefix)
    case 1:
      command = words("KV.PREFIX", group.prefix, "REV")
      keys.reverse()
    case 2: command = words("KV.RANGE", group.prefix, group.prefix + "~")
    default:
      command = words("KV.REVRANGE", group.prefix, group.prefix + "~")
      keys.reverse()
    }
    let reply = try exchange(command)
    guard let elements = reply.elements, elements.count % 2 == 0 else {
      throw unexpected(reply, to: "a range")
    }
    var found: [Int: Reply] = [:]
    var order: [Int] = []
    for index in stride(from: 0, to: elements.count, by: 2) {
      guard let bytes = elements[index].bytes,
        let key = universe.numbers[String(decoding: bytes, as: UTF8.self)]
      else { throw unexpected(elements[index], to: "a range, as a key") }
      found[key] = elements[index + 1]
      order.append(key)
    }
    if order != keys.filter({ found[$0] != nil }) {
      plan.findings.add("a range under \(group.prefix) is out of order or has strange keys")
    }
    return try reads(keys.map { found[$0] ?? .null }, keys)
  }

  /// Many commands sent at once, their replies read one by one.
  private func pipeline() throws(Stop) {
    let keys = anyKeys(random.within(3...20))
    var places: [Int] = []
    var bytes: [UInt8] = []
    for key in keys {
      let number = takeNumber()
      let (value, state) = value(for: key, operation: number)
      places.append(begin("SET", number, [Effect(key: key, change: .write(state))]))
      bytes += Connection.encode(words("SET") + [name(key), value])
    }
    try send(bytes)
    for place in places {
      let reply = try receive(words("SET")[0])
      if isRefusal(reply, to: words("SET")[0]) {
        end(place, .refused, [])
        continue
      }
      guard reply == .simple("OK") else { throw unexpected(reply, to: "SET") }
      end(place, .acknowledged)
    }
  }

  /// SCAN over everything while others write: nothing twice, nothing unknown.
  func scanAll() throws(Stop) {
    var cursor = "0"
    var seen: Set<[UInt8]> = []
    repeat {
      let reply = try exchange(words("SCAN", cursor, "COUNT", plan.hasBulk ? "4000" : "40"))
      guard let parts = reply.elements, parts.count == 2, let next = parts[0].bytes,
        let names = parts[1].elements
      else { throw unexpected(reply, to: "SCAN") }
      for case .bulk(let bytes) in names {
        if !universe.hasKey(String(decoding: bytes, as: UTF8.self)),
          !plan.hasBulk || Bulk.number(of: bytes) == nil
        {
          plan.findings.add("SCAN returned a key that nobody wrote")
        }
        if !seen.insert(bytes).inserted { plan.findings.add("SCAN returned a key twice") }
      }
      cursor = String(decoding: next, as: UTF8.self)
    } while cursor != "0"
  }

  private func rarely() throws(Stop) {
    switch random.below(6) {
    case 0 where !plan.hasBulk:
      try change(
        "FLUSHALL", takeNumber(), words("FLUSHALL"),
        universe.keys.indices.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
    case 0..<5: try checkpoint()
    default: try countKeys()
    }
  }
}
