/// How long a key still lives, as the daemon tells it, and new ends for keys.
enum Lifetime {
  /// To be asked together with what reads the key, at one cut.
  static func questions(_ name: String) -> [[[UInt8]]] {
    [["PEXPIRETIME", name], ["PTTL", name]].map { $0.map { Array($0.utf8) } }
  }

  /// The state with the expiry that was told. What is left of its life must agree with the clock.
  static func apply(
    _ end: Reply, _ left: Reply, to state: State, of name: String, clock: ClosedRange<Int>,
    _ findings: Findings
  ) -> State {
    guard let end = end.integer, let left = left.integer else {
      findings.add("\(name): PEXPIRETIME and PTTL were answered \(end.brief), \(left.brief)")
      return state
    }
    if end < 0 || left < 0 {
      let expected = state.kind == .absent ? -2 : -1
      if end != expected || left != expected {
        findings.add("\(name) is \(state), and yet PEXPIRETIME is \(end) and PTTL is \(left)")
      }
      return state
    }
    let least = max(0, end - clock.upperBound)
    if state.kind == .absent || left < least || left > max(0, end - clock.lowerBound) {
      findings.add(
        "\(name) is \(state) and ends at \(end), by a clock within \(clock), and yet PTTL is \(left)"
      )
    }
    return state.expiring(end...end)
  }
}

extension Client {
  /// Milliseconds: soon enough to be met in this round, or in a later one, or only by a clock that jumps.
  func anyLifetime() -> Int {
    switch random.below(8) {
    case 0..<3: random.within(1...60)
    case 3..<5: random.within(60...1000)
    case 5: random.within(1000...10_000)
    case 6: random.within(1...10) * 60_000 + random.below(1000)
    default: random.within(1...10) * 86_400_000 + random.below(1000)
    }
  }

  /// A moment that is not far from now as the machine sees it, whatever the daemon is told.
  func anyMoment() -> ClosedRange<Int> {
    let moment = plan.time.reading().lowerBound + anyLifetime()
    return moment...moment
  }

  /// When something with so long to live ends that was sent at `invoked`: unless a reply has come it may have
  /// been taken a while later, and after a jump of the clock.
  func moments(_ lifetime: Int, since invoked: UInt64, isKnown: Bool) -> ClosedRange<Int> {
    let clock = plan.time.reading(from: invoked, to: System.now())
    let later = isKnown ? 0 : 60_000 + (plan.time.canJump ? 20 * 86_400_000 : 0)
    return (clock.lowerBound + lifetime)...(clock.upperBound + lifetime + later)
  }

  /// PEXPIRE, PEXPIREAT or PERSIST of a key with one history.
  func changeExpiry(of key: Int) throws(Stop) {
    let (name, number) = (universe.keys[key].name, takeNumber())
    if random.once(in: 3) {
      let place = begin("PERSIST", number, [Effect(key: key, change: .persist(isDone: nil))])
      let isDone = try didChange(try exchange(words("PERSIST", name)))
      return end(place, .acknowledged, [Effect(key: key, change: .persist(isDone: isDone))])
    }
    let isAbsolute = random.once(in: 2)
    let (moment, lifetime, invoked) = (anyMoment(), anyLifetime(), System.now())
    func effects(_ isDone: Bool?) -> [Effect] {
      let expiry =
        isAbsolute ? moment : moments(lifetime, since: invoked, isKnown: isDone != nil)
      return [Effect(key: key, change: .setExpiry(expiry, isDone: isDone))]
    }
    let command =
      isAbsolute
      ? words("PEXPIREAT", name, "\(moment.lowerBound)") : words("PEXPIRE", name, "\(lifetime)")
    let place = begin(isAbsolute ? "PEXPIREAT" : "PEXPIRE", number, effects(nil))
    let isDone = try didChange(try exchange(command))
    end(place, .acknowledged, effects(isDone))
  }

  private func didChange(_ reply: Reply) throws(Stop) -> Bool {
    guard let number = reply.integer, (0...1).contains(number) else {
      throw unexpected(reply, to: "a change of an expiry")
    }
    return number == 1
  }
}
