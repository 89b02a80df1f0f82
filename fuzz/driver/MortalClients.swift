/// Strings that expire: what has expired is never seen again, and not before its time is it gone.
extension Client {
  func stepOfMortals() throws(Stop) {
    let key = random.element(of: universe.mortals)
    switch random.below(14) {
    case 0..<4: try setMortal(key)
    case 4..<6: try changeExpiry(of: key)
    case 6: try overwriteMortal(key)
    case 7: try removeMortal(key)
    default: try readMortal(key)
    }
  }

  private func setMortal(_ key: Int) throws(Stop) {
    let number = takeNumber()
    let (bytes, state) = shortValue(key, number)
    let (moment, lifetime, invoked) = (anyMoment(), anyLifetime(), System.now())
    let isAbsolute = random.once(in: 2)
    func effects(isKnown: Bool) -> [Effect] {
      let expiry =
        isAbsolute
        ? ends(at: moment, since: invoked, isKnown: isKnown)
        : moments(lifetime, since: invoked, isKnown: isKnown)
      return [Effect(key: key, change: .write(state.expiring(expiry)))]
    }
    let place = begin(isAbsolute ? "SET PXAT" : "SET PX", number, effects(isKnown: false))
    let set = words("SET") + [name(key), bytes]
    if isAbsolute {
      let text = universe.keys[key].name
      let commands = [set + words("PXAT", "\(moment)")] + Lifetime.questions(text)
      guard let replies = try execute(commands), replies.first == .simple("OK") else {
        throw unexpected(.null, to: "EXEC of SET with an expiry")
      }
      checkEnd(moment, replies, of: text, since: invoked)
    } else {
      let reply = try exchange(set + words("PX", "\(lifetime)"))
      guard reply == .simple("OK") else { throw unexpected(reply, to: "SET with an expiry") }
    }
    end(place, .acknowledged, effects(isKnown: true))
  }

  private func shortValue(_ key: Int, _ number: Int) -> (bytes: [UInt8], state: State) {
    let payload = StampedValue.filler(
      random.below(300), client: plan.number, operation: number)
    return stamped(payload, key, number)
  }

  private func overwriteMortal(_ key: Int) throws(Stop) {
    let number = takeNumber()
    let (bytes, state) = shortValue(key, number)
    let keeps = random.once(in: 2)
    let place = begin(
      keeps ? "SET KEEPTTL" : "SET", number,
      [Effect(key: key, change: keeps ? .overwrite(state) : .write(state))])
    let reply = try exchange(
      words("SET") + [name(key), bytes] + (keeps ? words("KEEPTTL") : []))
    guard reply == .simple("OK") else { throw unexpected(reply, to: "SET") }
    end(place, .acknowledged)
  }

  func removeMortal(_ key: Int) throws(Stop) {
    let place = begin(
      "DEL", takeNumber(), [Effect(key: key, change: .remove(wasPresent: nil))])
    let reply = try exchange(words("DEL") + [name(key)])
    guard let count = reply.integer, (0...1).contains(count) else {
      throw unexpected(reply, to: "DEL")
    }
    end(place, .acknowledged, [Effect(key: key, change: .remove(wasPresent: count == 1))])
  }

  private func readMortal(_ key: Int) throws(Stop) {
    let invoked = System.now()
    let place = begin("GET+PTTL", takeNumber(), [])
    let commands = [words("GET") + [name(key)]] + Lifetime.questions(universe.keys[key].name)
    guard let replies = try execute(commands), replies.count == 3 else {
      throw unexpected(.null, to: "EXEC of reads")
    }
    let seen = Lifetime.apply(
      replies[1], replies[2], to: try state(replies[0], key), of: universe.keys[key].name,
      clocks: plan.time.clocks(from: invoked, to: System.now()), plan.findings)
    end(place, .acknowledged, [Effect(key: key, change: .read(seen))])
  }
}
