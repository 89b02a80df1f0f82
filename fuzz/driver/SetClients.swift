/// Sets: members come, go, and move from one set to another.
extension Client {
  func stepOfSets() throws(Stop) {
    switch random.below(12) {
    case 0..<3: try addMembers()
    case 3..<5: try removeMembers()
    case 5..<8: try moveMember()
    case 8: try deleteSet()
    default: try readSets()
    }
  }

  private func anySet() -> Container { universe.containers[random.element(of: universe.sets)] }

  private func addMembers() throws(Stop) {
    let set = anySet()
    let places = random.sample(random.within(1...4), of: Array(set.cells.indices))
    func effects(_ isDone: Bool?) -> [Effect] {
      places.map { Effect(key: set.cells[$0], change: .writeIfAbsent(.empty, isDone: isDone)) }
    }
    try changeMembers("SADD", set, places, effects)
  }

  private func removeMembers() throws(Stop) {
    let set = anySet()
    let places = random.sample(random.within(1...4), of: Array(set.cells.indices))
    func effects(_ wasPresent: Bool?) -> [Effect] {
      places.map { Effect(key: set.cells[$0], change: .remove(wasPresent: wasPresent)) }
    }
    try changeMembers("SREM", set, places, effects)
  }

  /// The reply counts what was changed, which tells of each member only where it was all or none.
  private func changeMembers(
    _ name: String, _ set: Container, _ places: [Int], _ effects: (Bool?) -> [Effect]
  ) throws(Stop) {
    let place = begin(name, takeNumber(), effects(nil))
    let reply = try exchange(words(name, set.name) + places.map { Array(set.fields[$0].utf8) })
    guard let count = reply.integer, (0...places.count).contains(count) else {
      throw unexpected(reply, to: name)
    }
    let isCertain = count == 0 || count == places.count
    end(place, .acknowledged, effects(isCertain ? count > 0 : nil))
  }

  private func moveMember() throws(Stop) {
    let pair = random.sample(2, of: universe.sets).map { universe.containers[$0] }
    let member = random.below(pair[0].cells.count)
    let (from, to) = (pair[0].cells[member], pair[1].cells[member])
    let place = begin(
      "SMOVE", takeNumber(),
      [Effect(key: from, change: .take(.empty)), Effect(key: to, change: .write(.empty))])
    let reply = try exchange(words("SMOVE", pair[0].name, pair[1].name, pair[0].fields[member]))
    switch reply {
    case .integer(1): end(place, .acknowledged)
    case .integer(0): end(place, .acknowledged, [Effect(key: from, change: .read(.absent))])
    default: throw unexpected(reply, to: "SMOVE")
    }
  }

  private func deleteSet() throws(Stop) {
    let set = anySet()
    let place = begin(
      "set:delete", takeNumber(),
      set.cells.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
    let reply = try exchange(words("DEL", set.name))
    guard reply.integer != nil else { throw unexpected(reply, to: "set:delete") }
    end(place, .acknowledged)
  }

  /// One with its count, or all at one cut.
  private func readSets() throws(Stop) {
    let place = begin("SMEMBERS", takeNumber(), [])
    if random.once(in: 2) { return end(place, .acknowledged, try readCounted(anySet())) }
    let sets = universe.sets.map { universe.containers[$0] }
    guard let replies = try execute(sets.map(\.readAll)), replies.count == sets.count else {
      throw unexpected(.null, to: "EXEC of SMEMBERS")
    }
    var effects: [Effect] = []
    for (set, reply) in zip(sets, replies) { effects += try reads(of: set, reply) }
    end(place, .acknowledged, effects)
  }
}
