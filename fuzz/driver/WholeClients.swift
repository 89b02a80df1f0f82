/// Hashes that are always written as a whole, renamed to and fro within a pair of names, and that expire. The
/// largest have more fields than are deleted at once.
extension Client {
  func stepOfWholes() throws(Stop) {
    let pair = anyPair()
    let first = universe.containers[pair[0]]
    switch random.below(16) {
    case 0..<4: try writeWhole(pair)
    case 4..<8: try renameWhole(pair)
    case 8: try removeMortal(first.cells[0])
    case 9: try removeBoth(pair)
    case 10..<12: try changeExpiry(of: first.cells[0])
    case 12..<14: try findWrongType(first)
    default: try readPairOfWholes(pair)
    }
  }

  /// Hashes that come and go, met meanwhile by commands of another type. A change takes as long as many errors that
  /// are sent at once: so at any time some clients are at the one, and some at the other.
  func stepOfClashes() throws(Stop) {
    let pair = anyPair()
    guard random.once(in: 16) else { return try findWrongType(universe.containers[pair[0]]) }
    try removeBoth(pair)
    try writeWhole(pair)
  }

  /// In either order; rarely of the large ones.
  private func anyPair() -> [Int] {
    let number = random.once(in: 40) ? 2 : random.below(2)
    return random.sample(2, of: universe.wholes[number])
  }

  private func stampedFields(_ whole: Container, _ operation: Int) -> [[UInt8]] {
    let payload = StampedValue.filler(8, client: plan.number, operation: operation)
    return whole.fields.flatMap {
      [
        Array($0.utf8),
        StampedValue.make(
          client: plan.number, operation: operation, key: whole.stampName($0), payload: payload),
      ]
    }
  }

  /// One or both of a pair, over what is there or anew, and then perhaps with an end. Each has a stamp of its own.
  private func writeWhole(_ pair: [Int]) throws(Stop) {
    let number = takeNumber()
    var (commands, effects): ([[[UInt8]]], [(key: Int, state: State, end: Int?, keeps: Bool)]) = (
      [], []
    )
    let invoked = System.now()
    func changes(isKnown: Bool) -> [Effect] {
      effects.map { effect in
        if effect.keeps { return Effect(key: effect.key, change: .overwrite(effect.state)) }
        let expiry = effect.end.map { ends(at: $0, since: invoked, isKnown: isKnown) }
        return Effect(key: effect.key, change: .write(effect.state.expiring(expiry)))
      }
    }
    for (index, container) in pair.prefix(random.within(1...2)).enumerated() {
      let whole = universe.containers[container]
      let stamp = index == 0 ? number : takeNumber()
      let state = State.stamped(client: plan.number, operation: stamp)
      let set = words("HSET", whole.name) + stampedFields(whole, stamp)
      if random.once(in: 2) {
        commands.append(set)
        effects.append((whole.cells[0], state, nil, true))
        continue
      }
      commands += [words("DEL", whole.name), set]
      var moment: Int?
      if random.once(in: 2) {
        let end = anyMoment()
        commands.append(words("PEXPIREAT", whole.name, "\(end)"))
        moment = end
      }
      effects.append((whole.cells[0], state, moment, false))
    }
    let place = begin("whole:write", number, changes(isKnown: false))
    guard let replies = try execute(commands), replies.allSatisfy({ $0.integer != nil }) else {
      throw unexpected(.null, to: "EXEC of whole hashes")
    }
    end(place, .acknowledged, changes(isKnown: true))
  }

  /// A write command of another type changes nothing, whatever it meets; but its error tells that the hash is
  /// there, and then no crash may take it back.
  private func findWrongType(_ whole: Container) throws(Stop) {
    let place = begin("whole:wrong type", takeNumber(), [])
    let reply = try exchange(words("SETRANGE", whole.name, "0", ""))
    switch reply {
    case .integer(0):
      end(place, .acknowledged, [Effect(key: whole.cells[0], change: .read(.absent))])
    case .error(let text) where text.hasPrefix("WRONGTYPE"):
      end(
        place, .acknowledged,
        [Effect(key: whole.cells[0], change: .writeIfAbsent(.empty, isDone: false))])
    default: throw unexpected(reply, to: "SETRANGE of a hash")
    }
  }

  private func removeBoth(_ pair: [Int]) throws(Stop) {
    let wholes = pair.map { universe.containers[$0] }
    let place = begin(
      "whole:delete", takeNumber(),
      wholes.map { Effect(key: $0.cells[0], change: .remove(wasPresent: nil)) })
    let reply = try exchange(words("DEL") + wholes.map { Array($0.name.utf8) })
    guard let count = reply.integer, (0...2).contains(count) else {
      throw unexpected(reply, to: "whole:delete")
    }
    let isCertain = count != 1
    end(
      place, .acknowledged,
      wholes.map {
        Effect(key: $0.cells[0], change: .remove(wasPresent: isCertain ? count > 0 : nil))
      })
  }

  private static let renameIfSame = """
    if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
    if redis.call('PEXPIRETIME', KEYS[1]) ~= tonumber(ARGV[3]) then return 0 end
    redis.call('RENAME', KEYS[1], KEYS[2])
    return 1
    """

  /// Renames what was seen, and only that, by WATCH or by a script: so it is known what the other name gets.
  private func renameWhole(_ pair: [Int]) throws(Stop) {
    let wholes = pair.map { universe.containers[$0] }
    let (from, to) = (wholes[0], wholes[1])
    let isWatching = random.once(in: 2)
    if isWatching {
      let reply = try exchange(words("WATCH", from.name))
      guard reply == .simple("OK") else { throw unexpected(reply, to: "WATCH") }
    }
    guard let (seen, moment, stamp) = try glanceAtWhole(from) else {
      if isWatching { _ = try exchange(words("UNWATCH")) }
      return
    }
    let place = begin(
      "whole:rename", takeNumber(),
      [
        Effect(key: from.cells[0], change: .take(seen)),
        Effect(key: to.cells[0], change: .write(seen)),
      ])
    var isDone = false
    if isWatching {
      let replies = try execute([words("RENAME", from.name, to.name)])
      isDone = replies == [.simple("OK")]
      // One that was absent, made, looked at and deleted counts as unchanged.
      if !isDone, let replies, replies != [.error("ERR no such key")] {
        throw unexpected(.array(replies), to: "EXEC of RENAME")
      }
    } else {
      let reply = try exchange(
        words("EVAL", Self.renameIfSame, "2", from.name, to.name, from.fields[0]) + [stamp]
          + words("\(moment ?? -1)"))
      guard let number = reply.integer, (0...1).contains(number) else {
        throw unexpected(reply, to: "EVAL of RENAME")
      }
      isDone = number == 1
    }
    end(place, isDone ? .acknowledged : .refused, isDone ? nil : [])
  }

  /// Its state and the stamp of its first field, asked one after the other; nil if it is not there. Whoever acts
  /// on that sees to it that it has not changed meanwhile.
  private func glanceAtWhole(
    _ whole: Container
  ) throws(Stop) -> (state: State, end: Int?, stamp: [UInt8])? {
    let invoked = System.now()
    let field = whole.fields[0]
    let reply = try exchange(words("HGET", whole.name, field))
    let end = try exchange(words("PEXPIRETIME", whole.name))
    guard let stamp = reply.bytes, let end = end.integer, end != -2 else { return nil }
    guard
      let (client, operation, _) = StampedValue.parse(stamp, key: whole.stampName(field))
    else {
      plan.findings.add("\(whole.name) holds in \(field) what nobody wrote")
      throw .ended
    }
    let state = State.stamped(client: client, operation: operation)
    guard end >= 0 else { return (state, nil, stamp) }
    let lead = plan.time.clocks(from: invoked, to: System.now()).lead
    return (state.expiring(Lifetime.shifted(end, by: lead)), end, stamp)
  }

  private func readPairOfWholes(_ pair: [Int]) throws(Stop) {
    let place = begin("whole:read", takeNumber(), [])
    let wholes = pair.map { universe.containers[$0] }
    if random.once(in: 4) {
      // No history: when it expires is not told. But it must be whole.
      let reply = try exchange(wholes[0].readAll)
      _ = universe.states(of: wholes[0], reply, plan.findings)
      return end(place, .acknowledged)
    }
    let invoked = System.now()
    guard let replies = try execute(wholes.flatMap(\.questions)),
      replies.count == wholes.count * 4
    else { throw unexpected(.null, to: "EXEC of reads") }
    let clocks = plan.time.clocks(from: invoked, to: System.now())
    var states: [State] = []
    for (index, whole) in wholes.enumerated() {
      let answers = replies[(4 * index)..<(4 * index + 4)]
      guard let state = universe.whole(whole, answers, clocks: clocks, plan.findings) else {
        throw .ended
      }
      states.append(state)
    }
    Invariant.checkNames(wholes, states, plan.findings)
    end(
      place, .acknowledged,
      zip(wholes, states).map { Effect(key: $0.cells[0], change: .read($1)) })
  }
}

extension Container {
  /// All there is to know of a whole hash, to be asked at one cut.
  var questions: [[[UInt8]]] { counted + Lifetime.questions(name) }
}

extension Universe {
  /// The state of a whole hash by the four answers; nil after a finding.
  func whole(
    _ whole: Container, _ answers: ArraySlice<Reply>, clocks: ClockReading,
    _ findings: Findings
  ) -> State? {
    let first = answers.startIndex
    Invariant.checkCount(of: whole, answers[first], answers[first + 1], findings)
    guard let state = states(of: whole, answers[first], findings)?.first else { return nil }
    return Lifetime.apply(
      answers[first + 2], answers[first + 3], to: state, of: whole.name, clocks: clocks, findings)
  }
}

extension Invariant {
  /// A rename leaves nothing behind: no stamp stands under two names.
  static func checkNames(_ wholes: [Container], _ states: [State], _ findings: Findings) {
    let stamps = states.filter { $0.kind != .absent }.map(\.id)
    if Set(stamps).count != stamps.count {
      findings.add(
        "one hash stands under two names: \(zip(wholes, states).map { "\($0.name) is \($1)" })")
    }
  }
}
