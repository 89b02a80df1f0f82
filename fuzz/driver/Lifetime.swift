/// How long a key still lives, as the daemon tells it, and new ends for keys.
enum Lifetime {
  /// To be asked together with what reads the key, at one cut.
  static func questions(_ name: String) -> [[[UInt8]]] {
    [["PEXPIRETIME", name], ["PTTL", name]].map { $0.map { Array($0.utf8) } }
  }

  /// The state with the expiry that was told, which is one of the machine's clock. What is left of its life must
  /// agree with that.
  static func apply(
    _ end: Reply, _ left: Reply, to state: State, of name: String, clocks: ClockReading,
    _ findings: Findings
  ) -> State {
    let clock = clocks.wall
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
    return state.expiring(shifted(end, by: clocks.lead))
  }
  /// A moment of the machine's clock by the one by which keys expire.
  static func shifted(_ moment: Int, by lead: ClosedRange<Int>) -> ClosedRange<Int> {
    (moment + lead.lowerBound)...(moment + lead.upperBound)
  }

  /// What is wrong with the answers to `questions` that follow a change to `moment`, in one EXEC, if no clock was
  /// set meanwhile: the key lives until then by the clock that clients see, however far the daemon's own is ahead.
  static func complaint(
    about moment: Int, _ end: Reply, _ left: Reply, clocks: ClockReading
  ) -> String? {
    let isPast = moment <= clocks.wall.upperBound && end == .integer(-2) && left == .integer(-2)
    let isSound =
      end == .integer(moment)
      && (left.integer.map {
        (max(0, moment - clocks.wall.upperBound)...max(0, moment - clocks.wall.lowerBound))
          .contains($0)
      } ?? false)
    return isPast || isSound
      ? nil
      : "an expiry at \(moment), by a clock within \(clocks.wall), is told as \(end.brief), \(left.brief)"
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

  /// A moment that is not far from now by the clock that the daemon and its clients see.
  func anyMoment() -> Int {
    let now = System.now()
    return plan.time.clocks(from: now, to: now).wall.lowerBound + anyLifetime()
  }

  /// When something ends that was asked to at `moment`, sent at `invoked`: unless a reply has come it may have been
  /// taken a while later, and after a jump of the clock.
  func ends(at moment: Int, since invoked: UInt64, isKnown: Bool) -> ClosedRange<Int> {
    let lead = plan.time.clocks(from: invoked, to: System.now()).lead
    let later = isKnown || !plan.time.canJump ? 0 : 20 * 86_400_000
    return Lifetime.shifted(moment, by: lead.lowerBound...(lead.upperBound + later))
  }

  /// Adds a finding where the last two of `replies` do not tell `moment`.
  func checkEnd(_ moment: Int, _ replies: [Reply], of name: String, since invoked: UInt64) {
    let now = System.now()
    guard replies.count > 2, !plan.time.wasSet(from: invoked, to: now) else { return }
    let clocks = plan.time.clocks(from: invoked, to: now)
    let (end, left) = (replies[replies.count - 2], replies[replies.count - 1])
    if let complaint = Lifetime.complaint(about: moment, end, left, clocks: clocks) {
      plan.findings.add("\(name): \(complaint)")
    }
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
        isAbsolute
        ? ends(at: moment, since: invoked, isKnown: isDone != nil)
        : moments(lifetime, since: invoked, isKnown: isDone != nil)
      return [Effect(key: key, change: .setExpiry(expiry, isDone: isDone))]
    }
    let place = begin(isAbsolute ? "PEXPIREAT" : "PEXPIRE", number, effects(nil))
    guard isAbsolute else {
      let isDone = try didChange(try exchange(words("PEXPIRE", name, "\(lifetime)")))
      return end(place, .acknowledged, effects(isDone))
    }
    let commands = [words("PEXPIREAT", name, "\(moment)")] + Lifetime.questions(name)
    guard let replies = try execute(commands), let reply = replies.first else {
      throw unexpected(.null, to: "EXEC of PEXPIREAT")
    }
    let isDone = try didChange(reply)
    if isDone { checkEnd(moment, replies, of: name, since: invoked) }
    end(place, .acknowledged, effects(isDone))
  }

  private func didChange(_ reply: Reply) throws(Stop) -> Bool {
    guard let number = reply.integer, (0...1).contains(number) else {
      throw unexpected(reply, to: "a change of an expiry")
    }
    return number == 1
  }
}
