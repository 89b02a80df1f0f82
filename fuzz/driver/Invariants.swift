/// The workloads whose readers know at once whether a batch was seen by half.
extension Client {
  /// One stamp on every key of a group, over many partitions; now and then they all go.
  func writeStamp() throws(Stop) {
    let number = takeNumber()
    let group = random.element(of: universe.stamps)
    if random.once(in: 8) {
      let place = begin(
        "stamp:delete", number,
        group.keys.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
      let reply =
        random.once(in: 2)
        ? try exchange(words("DEL") + group.keys.map(name))
        : try exchange(words("KV.DELPREFIX", group.prefix))
      guard reply == .simple("OK") || reply.integer != nil else {
        throw unexpected(reply, to: "stamp:delete")
      }
      if let count = reply.integer, count != 0, count != group.keys.count {
        plan.findings.add("\(group.prefix): DEL found \(count) of \(group.keys.count) keys")
      }
      end(place, .acknowledged)
      return
    }
    let isOften = if case .stamps = plan.role { true } else { false }
    let size = !isOften && random.once(in: 10) ? 8000 : 60
    let payload = StampedValue.filler(size, client: plan.number, operation: number)
    let values = group.keys.map { stamped(payload, $0, number).bytes }
    let place = begin(
      "stamp", number,
      group.keys.map {
        Effect(key: $0, change: .write(.stamped(client: plan.number, operation: number)))
      })
    let pairs = zip(group.keys, values).map { [name($0), $1] }
    switch random.below(3) {
    case 0:
      let reply = try exchange(words("MSET") + pairs.flatMap { $0 })
      guard reply == .simple("OK") else { throw unexpected(reply, to: "stamp by MSET") }
    case 1:
      let reply = try exchange(words("KV.BATCH") + pairs.flatMap { words("SET") + $0 })
      guard reply == .simple("OK") else { throw unexpected(reply, to: "stamp by KV.BATCH") }
    default:
      guard try execute(pairs.map { words("SET") + $0 }) != nil else {
        throw unexpected(.null, to: "stamp by EXEC")
      }
    }
    end(place, .acknowledged)
  }

  func readStamp() throws(Stop) {
    let group = random.element(of: universe.stamps)
    let place = begin("stamp:read", takeNumber(), [])
    let effects: [Effect]
    if random.once(in: 2) {
      effects = try readGroup(group)
    } else {
      let reply = try exchange(words("MGET") + group.keys.map(name))
      guard let replies = reply.elements else { throw unexpected(reply, to: "MGET") }
      effects = try reads(replies, group.keys)
    }
    Invariant.checkStamps(effects, of: group, in: universe, plan.findings)
    end(place, .acknowledged, effects)
  }

  // MARK: The bank

  /// The balances, or nil if there is no bank yet.
  private func balances(_ place: Int) throws(Stop) -> [Int]? {
    let reply = try exchange(words("MGET") + universe.accounts.map(name))
    guard let replies = reply.elements else { throw unexpected(reply, to: "MGET") }
    end(place, .acknowledged, try reads(replies, universe.accounts))
    return Invariant.checkBank(replies.map(\.bytes), universe, plan.findings)
  }

  /// Reads the bank, and opens it where there is none.
  func audit() throws(Stop) {
    let place = begin("bank:read", takeNumber(), [])
    if try balances(place) == nil { try openBank() }
  }

  private func balanceValue(_ balance: Int, _ account: Int, _ number: Int) -> [UInt8] {
    stamped(Array("\(balance);".utf8), account, number).bytes
  }

  private func openBank() throws(Stop) {
    let number = takeNumber()
    let new = State.stamped(client: plan.number, operation: number)
    var command = words("KV.BATCH")
    for account in universe.accounts { command += words("IF") + [name(account)] + words("ABSENT") }
    for account in universe.accounts {
      command += words("SET") + [name(account)]
      command.append(balanceValue(Universe.openingBalance, account, number))
    }
    let place = begin(
      "bank:open", number,
      universe.accounts.map { Effect(key: $0, change: .writeIfAbsent(new, isDone: true)) })
    try finishConditional(place, try exchange(command))
  }

  private func finishConditional(_ place: Int, _ reply: Reply) throws(Stop) {
    switch reply {
    case .simple("OK"): end(place, .acknowledged)
    case .error(let text) where text.hasPrefix("CASFAIL"): end(place, .refused, [])
    default: throw unexpected(reply, to: "KV.BATCH")
    }
  }

  /// Moves an amount from one account to another, by WATCH or by sequence numbers.
  func transfer() throws(Stop) {
    let pair = random.sample(2, of: Array(universe.accounts.indices))
    let accounts = pair.map { universe.accounts[$0] }
    let isWatching = random.once(in: 2)
    var sequences: [String] = []
    if isWatching {
      let reply = try exchange(words("WATCH") + accounts.map(name))
      guard reply == .simple("OK") else { throw unexpected(reply, to: "WATCH") }
    } else {
      for account in accounts {
        let reply = try exchange(words("KV.SEQ") + [name(account)])
        guard let sequence = reply.integer else { throw unexpected(reply, to: "KV.SEQ") }
        if sequence == 0 { return try audit() }
        sequences.append("\(sequence)")
      }
    }
    let place = begin("bank:read", takeNumber(), [])
    guard let balances = try balances(place) else {
      if isWatching { _ = try exchange(words("UNWATCH")) }
      return try openBank()
    }
    let (number, amount) = (takeNumber(), random.within(1...50))
    let new = State.stamped(client: plan.number, operation: number)
    let values = [
      balanceValue(balances[pair[0]] - amount, accounts[0], number),
      balanceValue(balances[pair[1]] + amount, accounts[1], number),
    ]
    let write = begin(
      "bank:transfer", number, accounts.map { Effect(key: $0, change: .write(new)) })
    let pairs = zip(accounts, values).map { words("SET") + [name($0), $1] }
    if isWatching {
      // A key that was absent, made and deleted again counts as unchanged: XX is for that.
      let replies = try execute(pairs.map { $0 + words("XX") })
      let isDone = replies == [.simple("OK"), .simple("OK")]
      if !isDone, replies != nil, replies != [.null, .null] {
        plan.findings.add("a transfer was carried out by half: \(String(describing: replies))")
      }
      return end(write, isDone ? .acknowledged : .refused, isDone ? nil : [])
    }
    var command = words("KV.BATCH")
    for (account, sequence) in zip(accounts, sequences) {
      command += words("IF") + [name(account)] + words("SEQ", sequence)
    }
    try finishConditional(write, try exchange(command + pairs.flatMap { $0 }))
  }

  // MARK: Pairs of lists

  /// The same token at the end of two lists, as one transaction; both go when they are long.
  func appendPair() throws(Stop) {
    let (pair, number) = (random.element(of: universe.lists), takeNumber())
    if random.once(in: 60) {
      let place = begin(
        "list:delete", number, pair.map { Effect(key: $0, change: .remove(wasPresent: nil)) })
      let reply = try exchange(words("DEL") + pair.map(name))
      guard reply == .integer(0) || reply == .integer(2) else {
        throw unexpected(reply, to: "DEL of a pair of lists")
      }
      return end(place, .acknowledged)
    }
    let token = ListToken.make(client: plan.number, operation: number)
    let place = begin(
      "list:append", number, pair.map { Effect(key: $0, change: .append(token, result: nil)) })
    let commands = pair.map { words("APPEND") + [name($0), ListToken.bytes(token)] }
    guard let replies = try execute(commands) else {
      throw unexpected(.null, to: "EXEC of appends")
    }
    end(
      place, .acknowledged,
      zip(pair, replies).map {
        Effect(key: $0, change: .append(token, result: $1.integer ?? -1))
      })
  }

  func readPair() throws(Stop) {
    let pair = random.element(of: universe.lists)
    let place = begin("list:read", takeNumber(), [])
    let reply = try exchange(words("MGET") + pair.map(name))
    guard let replies = reply.elements else { throw unexpected(reply, to: "MGET") }
    let effects = try reads(replies, pair)
    Invariant.checkPair(effects, pair, universe, plan.findings)
    end(place, .acknowledged, effects)
  }
}

/// What always holds at one cut.
enum Invariant {
  static func checkStamps(
    _ effects: [Effect], of group: Universe.Group, in universe: Universe, _ findings: Findings
  ) {
    if effects.contains(where: { $0.change != effects[0].change }) {
      findings.add(
        "\(group.prefix): mixed stamps, \(effects.map { "\(universe.keys[$0.key].name) \($0.change)" })"
      )
    }
  }

  /// The balances; nil if there is no account at all.
  static func checkBank(
    _ values: [[UInt8]?], _ universe: Universe, _ findings: Findings
  ) -> [Int]? {
    if values.allSatisfy({ $0 == nil }) { return nil }
    let balances = zip(universe.accounts, values).map { account, bytes in
      bytes.flatMap { universe.balance(of: $0, account: account) }
    }
    let known = balances.compactMap { $0 }
    guard known.count == balances.count else {
      findings.add("the bank: accounts are missing, \(balances)")
      return nil
    }
    let total = known.reduce(0, +)
    if total != Universe.openingBalance * known.count {
      findings.add("the bank: the total is \(total), \(known)")
    }
    return known
  }

  static func checkPair(
    _ effects: [Effect], _ pair: [Int], _ universe: Universe, _ findings: Findings
  ) {
    if effects[0].change != effects[1].change {
      findings.add(
        "\(universe.keys[pair[0]].name) and its twin differ: \(effects.map(\.change))")
    }
  }
}
