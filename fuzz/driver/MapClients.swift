/// Hashes whose fields are written and deleted one by one and several at once, in one hash and in two, and
/// that are deleted as a whole.
extension Client {
  func stepOfMaps() throws(Stop) {
    switch random.below(20) {
    case 0..<5: try setFields()
    case 5..<9: try setFieldsOfTwo()
    case 9..<12: try deleteFields()
    case 12: try deleteMaps()
    case 13..<18: try readMap()
    default: try readFields()
    }
  }

  private func anyMap() -> Container { universe.containers[random.element(of: universe.maps)] }

  /// Some fields of a map with new values: the words for HSET behind its key, and what they change.
  private func newFields(
    of map: Container, _ number: Int
  ) -> (words: [[UInt8]], effects: [Effect]) {
    var (words, effects): ([[UInt8]], [Effect]) = ([], [])
    for place in random.sample(random.within(1...5), of: Array(map.cells.indices)) {
      let (bytes, state) = value(for: map.cells[place], operation: number)
      words += [Array(map.fields[place].utf8), bytes]
      effects.append(Effect(key: map.cells[place], change: .write(state)))
    }
    return (words, effects)
  }

  private func setFields() throws(Stop) {
    let (map, number) = (anyMap(), takeNumber())
    let (pairs, effects) = newFields(of: map, number)
    let place = begin("HSET", number, effects)
    let reply = try exchange(words("HSET", map.name) + pairs)
    guard let added = reply.integer, (0...effects.count).contains(added) else {
      throw unexpected(reply, to: "HSET")
    }
    end(place, .acknowledged)
  }

  private static let setBoth = """
    local count = tonumber(ARGV[1])
    redis.call('HSET', KEYS[1], unpack(ARGV, 2, count + 1))
    redis.call('HSET', KEYS[2], unpack(ARGV, count + 2))
    return redis.status_reply('OK')
    """

  /// By MULTI or by a script: mostly over two partitions.
  private func setFieldsOfTwo() throws(Stop) {
    let number = takeNumber()
    let maps = random.sample(2, of: universe.maps).map { universe.containers[$0] }
    let (first, second) = (newFields(of: maps[0], number), newFields(of: maps[1], number))
    let effects = first.effects + second.effects
    if random.once(in: 2) {
      let place = begin("EXEC:HSET", number, effects)
      let replies = try execute([
        words("HSET", maps[0].name) + first.words, words("HSET", maps[1].name) + second.words,
      ])
      guard let replies, replies.count == 2, replies.allSatisfy({ $0.integer != nil }) else {
        throw unexpected(.array(replies ?? []), to: "EXEC of two HSET")
      }
      return end(place, .acknowledged)
    }
    let place = begin("EVAL:HSET", number, effects)
    let reply = try exchange(
      words("EVAL", Self.setBoth, "2", maps[0].name, maps[1].name, "\(first.words.count)")
        + first.words + second.words)
    guard reply == .simple("OK") else { throw unexpected(reply, to: "EVAL of two HSET") }
    end(place, .acknowledged)
  }

  private func deleteFields() throws(Stop) {
    let map = anyMap()
    let places = random.sample(random.within(1...4), of: Array(map.cells.indices))
    func effects(_ wasPresent: Bool?) -> [Effect] {
      places.map { Effect(key: map.cells[$0], change: .remove(wasPresent: wasPresent)) }
    }
    let place = begin("HDEL", takeNumber(), effects(nil))
    let reply = try exchange(words("HDEL", map.name) + places.map { Array(map.fields[$0].utf8) })
    guard let count = reply.integer, (0...places.count).contains(count) else {
      throw unexpected(reply, to: "HDEL")
    }
    let isCertain = count == 0 || count == places.count
    end(place, .acknowledged, effects(isCertain ? count > 0 : nil))
  }

  private func deleteMaps() throws(Stop) {
    let maps = random.sample(random.within(1...2), of: universe.maps)
      .map { universe.containers[$0] }
    let place = begin(
      "map:delete", takeNumber(),
      maps.flatMap(\.cells).map { Effect(key: $0, change: .remove(wasPresent: nil)) })
    let reply =
      maps.count == 1 && random.once(in: 2)
      ? try exchange(words("KV.DELPREFIX", maps[0].name))
      : try exchange(
        words(random.once(in: 2) ? "DEL" : "UNLINK") + maps.map { Array($0.name.utf8) })
    guard reply == .simple("OK") || reply.integer != nil else {
      throw unexpected(reply, to: "map:delete")
    }
    end(place, .acknowledged)
  }

  private func readMap() throws(Stop) {
    let map = anyMap()
    let place = begin("HGETALL", takeNumber(), [])
    if random.once(in: 2) {
      return end(place, .acknowledged, try reads(of: map, try exchange(map.readAll)))
    }
    end(place, .acknowledged, try readCounted(map))
  }

  private func readFields() throws(Stop) {
    let map = anyMap()
    let places = random.sample(4, of: Array(map.cells.indices))
    let place = begin("HMGET", takeNumber(), [])
    let reply = try exchange(words("HMGET", map.name) + places.map { Array(map.fields[$0].utf8) })
    guard let replies = reply.elements, replies.count == places.count else {
      throw unexpected(reply, to: "HMGET")
    }
    end(place, .acknowledged, try reads(replies, places.map { map.cells[$0] }))
  }

  // MARK: Whole containers

  func reads(of container: Container, _ reply: Reply) throws(Stop) -> [Effect] {
    guard let states = universe.states(of: container, reply, plan.findings) else { throw .ended }
    return zip(container.cells, states).map { Effect(key: $0, change: .read($1)) }
  }

  /// Reads it and counts it at one cut, which must agree.
  func readCounted(_ container: Container) throws(Stop) -> [Effect] {
    guard let replies = try execute(container.counted), replies.count == 2
    else { throw unexpected(.null, to: "EXEC of reads") }
    Invariant.checkCount(of: container, replies[0], replies[1], plan.findings)
    return try reads(of: container, replies[0])
  }
}
