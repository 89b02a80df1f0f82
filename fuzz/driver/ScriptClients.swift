/// Scripts that move an amount between two of the purses, which are strings and fields of hashes, and that
/// fail, now and then, when they have taken it and not yet given it.
extension Client {
  func stepOfScripts() throws(Stop) {
    switch random.below(8) {
    case 0..<3: try moveAmount()
    case 3..<5: try failToMove()
    default: try readPurses()
    }
  }

  private static let move = """
    local function add(key, field, amount)
      if field == '' then return redis.call('INCRBY', key, amount) end
      return redis.call('HINCRBY', key, field, amount)
    end
    local first = add(KEYS[1], ARGV[1], '-' .. ARGV[3])
    if ARGV[4] == 'error' then error('on purpose') end
    if ARGV[4] == 'refused' then redis.call('INCRBY', KEYS[1], 'on purpose') end
    return {first, add(KEYS[2], ARGV[2], ARGV[3])}
    """

  private func script(_ purses: [Int], _ amount: Int, failure: String) -> [[UInt8]] {
    let places = purses.map { universe.keys[$0].name.split(separator: ">") }
    return words("EVAL", Self.move, "2")
      + places.map { Array($0[0].utf8) }
      + places.map { $0.count > 1 ? Array($0[1].utf8) : [] } + words("\(amount)", failure)
  }

  private func moveAmount() throws(Stop) {
    let (purses, number) = (random.sample(2, of: universe.purses), takeNumber())
    let amount = random.within(1...1000)
    func effects(_ results: [Int?]) -> [Effect] {
      [
        Effect(key: purses[0], change: .add(-amount, result: results[0])),
        Effect(key: purses[1], change: .add(amount, result: results[1])),
      ]
    }
    let place = begin("EVAL:move", number, effects([nil, nil]))
    let reply = try exchange(script(purses, amount, failure: ""))
    guard let results = reply.elements?.map(\.integer), results.count == 2,
      !results.contains(nil)
    else { throw unexpected(reply, to: "EVAL of a move") }
    end(place, .acknowledged, effects(results))
  }

  /// Changes nothing, whether its reply comes or not; with it goes a whole transaction.
  private func failToMove() throws(Stop) {
    let (purses, number) = (random.sample(2, of: universe.purses), takeNumber())
    let command = script(
      purses, random.within(1...1000), failure: random.once(in: 2) ? "error" : "refused")
    let place = begin("EVAL:fail", number, [])
    if random.once(in: 2) {
      let reply = try exchange(command)
      guard case .error(let text) = reply, text.contains("on purpose") || text.contains("integer")
      else { throw unexpected(reply, to: "a script that fails") }
      return end(place, .refused)
    }
    let key = random.element(of: universe.counters)
    try send(
      [words("MULTI"), words("INCRBY") + [name(key)] + words("7"), command, words("EXEC")]
        .flatMap(Connection.encode))
    for _ in 0..<3 { _ = try receive(words("MULTI")[0]) }
    let reply = try receive(words("EXEC")[0])
    if isRefusal(reply, to: words("EXEC")[0]) { throw .refused }
    guard case .error(let text) = reply, text.hasPrefix("EXECABORT") else {
      throw unexpected(reply, to: "EXEC with a script that fails")
    }
    end(place, .refused)
  }

  private func readPurses() throws(Stop) {
    let place = begin("purses:read", takeNumber(), [])
    let maps = universe.purseMaps.map { universe.containers[$0] }
    let commands =
      [words("MGET") + universe.purseStrings.map(name)]
      + maps.map { words("HMGET", $0.name) + $0.fields.map { Array($0.utf8) } }
    guard let replies = try execute(commands) else {
      throw unexpected(.null, to: "EXEC of reads")
    }
    let values = replies.flatMap { $0.elements ?? [] }
    guard values.count == universe.purses.count else {
      throw unexpected(.array(replies), to: "EXEC of purses")
    }
    let effects = try reads(values, universe.purses)
    Invariant.checkPurses(effects, universe, plan.findings)
    end(place, .acknowledged, effects)
  }
}

extension Invariant {
  /// Nothing is made and nothing lost: whatever was moved, the sum is what it was at the beginning.
  static func checkPurses(_ effects: [Effect], _ universe: Universe, _ findings: Findings) {
    var sum = 0
    for effect in effects {
      if case .read(let state) = effect.change { sum += state.number }
    }
    if sum != 0 {
      findings.add(
        "the purses: the sum is \(sum), \(effects.map { "\(universe.keys[$0.key].name) \($0.change)" })"
      )
    }
  }
}
