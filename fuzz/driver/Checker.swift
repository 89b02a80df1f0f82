/// Compares what clients were told with what is there afterwards.
///
/// Each key's history must be linearizable, from what it was before to what it is now. That says at
/// once that what was acknowledged is there, in its order, that nothing deleted is back and nothing
/// was invented. A batch of unknown outcome must be possible as a whole or possible as absent.
struct Checker {
  let universe: Universe
  let findings: Findings
  let time: ExpiryTime
  private(set) var historyCount = 0
  private(set) var undecidedCount = 0

  init(universe: Universe, findings: Findings, time: ExpiryTime) {
    self.universe = universe
    self.findings = findings
    self.time = time
  }

  /// - Parameter clock: what the daemon's clock can have shown when `after` was read.
  mutating func check(
    _ operations: [Operation], from before: [State], to after: [State],
    clock: ClosedRange<Int> = 0...0, where place: String
  ) {
    var histories: [[(operation: Int, entry: Linearizability.Entry)]] = Array(
      repeating: [], count: universe.keys.count)
    for (index, operation) in operations.enumerated() where operation.outcome != .refused {
      let returned = operation.outcome == .unknown ? .max : operation.returned
      for effect in operation.effects {
        let entry = Linearizability.Entry(
          invoked: operation.invoked, returned: returned, change: effect.change,
          clock: reading(operation, of: effect.key, until: clock))
        histories[effect.key].append((index, entry))
      }
    }
    var isSound = true
    for key in universe.keys.indices {
      if histories[key].isEmpty, before[key] == after[key] { continue }
      historyCount += 1
      switch Linearizability.check(
        histories[key].map(\.entry), from: before[key], to: after[key], clock: clock)
      {
      case .explained: break
      case .undecided: undecidedCount += 1
      case .impossible:
        isSound = false
        findings.add(
          "\(place): no order explains \(universe.keys[key].name), which is \(after[key])")
        let reduction = Reduction(
          histories[key].map(\.entry), from: before[key], to: after[key], clock: clock)
        let left = reduction.indices.map { histories[key][$0].operation }
        if !findings.isQuiet {
          System.say("  \(histories[key].count) operations reduced to \(left.count):")
        }
        describe(
          operations, left, key, reduction.initial, reduction.final, knownUntil: reduction.end)
      }
    }
    if isSound { checkBatches(operations, histories, before, after, clock, place) }
  }

  /// What the daemon's clock can have shown during an operation, where a key may expire.
  private func reading(
    _ operation: Operation, of key: Int, until end: ClosedRange<Int>
  ) -> ClosedRange<Int> {
    let kind = universe.keys[key].kind
    guard kind == .mortal || kind == .whole else { return 0...0 }
    guard operation.outcome == .unknown else {
      return time.reading(from: operation.invoked, to: operation.returned)
    }
    let start = time.reading(from: operation.invoked, to: operation.invoked).lowerBound
    return start...max(start, end.upperBound)
  }

  private mutating func checkBatches(
    _ operations: [Operation],
    _ histories: [[(operation: Int, entry: Linearizability.Entry)]],
    _ before: [State], _ after: [State], _ clock: ClosedRange<Int>, _ place: String
  ) {
    for (index, operation) in operations.enumerated()
    where operation.outcome == .unknown && operation.effects.count > 1 {
      var impossibleWith: [Int] = []
      var impossibleWithout: [Int] = []
      for effect in operation.effects {
        let others = histories[effect.key].filter { $0.operation != index }.map(\.entry)
        var forced = others
        forced.append(
          Linearizability.Entry(
            invoked: operation.invoked, returned: .max - 3, change: effect.change,
            clock: reading(operation, of: effect.key, until: clock)))
        let (from, to) = (before[effect.key], after[effect.key])
        if Linearizability.check(forced, from: from, to: to, clock: clock) == .impossible {
          impossibleWith.append(effect.key)
        }
        if Linearizability.check(others, from: from, to: to, clock: clock) == .impossible {
          impossibleWithout.append(effect.key)
        }
      }
      if let gone = impossibleWith.first, let there = impossibleWithout.first {
        findings.add(
          "\(place): \(operation.name) \(operation.client).\(operation.number) is there by half: "
            + "in \(universe.keys[there].name), not in \(universe.keys[gone].name)")
        for key in [there, gone] {
          describe(operations, histories[key].map(\.operation), key, before[key], after[key])
        }
      }
    }
  }

  /// The history of one key, in the order of sending. What returned after `knownUntil` may be done or not.
  private func describe(
    _ operations: [Operation], _ indices: [Int], _ key: Int, _ before: State, _ after: State?,
    knownUntil: UInt64 = .max
  ) {
    if findings.isQuiet { return }
    System.say("  history of \(universe.keys[key].name), milliseconds; it began as \(before)")
    let sorted = indices.map { operations[$0] }.sorted { $0.invoked < $1.invoked }
    guard let start = sorted.first?.invoked else { return }
    func time(_ stamp: UInt64) -> String {
      let microseconds = (stamp - start) / 1000
      return "\(microseconds / 1000).\(String(microseconds % 1000 + 1000).dropFirst())"
    }
    for operation in sorted {
      let isKnown = operation.outcome != .unknown && operation.returned <= knownUntil
      let end = isKnown ? time(operation.returned) : "unknown"
      for effect in operation.effects where effect.key == key {
        System.say(
          "    \(time(operation.invoked)) – \(end)  client \(operation.client) "
            + "operation \(operation.number) \(operation.name): \(effect.change)")
      }
    }
    if let after { System.say("    afterwards: \(after)") }
  }
}
