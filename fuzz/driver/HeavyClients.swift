/// Commands of a few bytes that append a whole value to the log: on a full disk they are refused, and nobody else may
/// have to wait for that.
extension Client {
  func stepOfHeavy() throws(Stop) {
    let key = universe.cold[random.below(6)]
    switch random.below(8) {
    case 0: try setHeavy(key)
    case 1: try getAndExpire(key)
    case 2:
      // Undone at once where it fails: a part of it is not admitted without the rest.
      guard let replies = try execute([expire(key), words("PERSIST") + [name(key)]]),
        replies.count == 2, replies.allSatisfy({ $0.integer != nil })
      else { throw unexpected(.null, to: "EXEC of PEXPIRE and PERSIST") }
    case 3: try answer(words("PERSIST") + [name(key)])
    case 4:
      let script = "return redis.call('PEXPIRE', KEYS[1], \(Self.lifetime))"
      try answer(words("EVAL", script, "1") + [name(key)])
    default: try answer(expire(key))
    }
  }

  /// Longer than any run, so that it changes nothing that anybody sees of these keys.
  private static let lifetime = 90_000_000_000

  private func expire(_ key: Int) -> [[UInt8]] {
    words("PEXPIRE") + [name(key)] + words("\(Self.lifetime + random.below(1000))")
  }

  private func answer(_ command: [[UInt8]]) throws(Stop) {
    let reply = try exchange(command)
    guard let number = reply.integer, (0...1).contains(number) else {
      throw unexpected(reply, to: String(decoding: command[0], as: UTF8.self))
    }
  }

  func setAnyHeavy() throws(Stop) { try setHeavy(universe.cold[random.below(6)]) }

  private func setHeavy(_ key: Int) throws(Stop) {
    let number = takeNumber()
    // More than a small segment, and than what is admitted for a small request; not more than the disk bears.
    let count = min(max(plan.largestValue, 300_000), 900_000)
    let payload = StampedValue.filler(count, client: plan.number, operation: number)
    let (bytes, state) = stamped(payload, key, number)
    let place = begin("SET", number, [Effect(key: key, change: .write(state))])
    let reply = try exchange(words("SET") + [name(key), bytes])
    guard reply == .simple("OK") else { throw unexpected(reply, to: "SET") }
    end(place, .acknowledged)
  }

  private func getAndExpire(_ key: Int) throws(Stop) {
    let place = begin("GETEX", takeNumber(), [])
    let reply = try exchange(words("GETEX") + [name(key)] + words("PX", "\(Self.lifetime)"))
    end(place, .acknowledged, [Effect(key: key, change: .read(try state(reply, key)))])
  }
}
