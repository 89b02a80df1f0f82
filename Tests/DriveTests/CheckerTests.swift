import Testing

@testable import kvd_drive

/// The judge must find what is wrong, and nothing else.
@Suite struct CheckerTests {
  let universe = Universe()

  private func value(_ operation: Int) -> State { .stamped(client: 1, operation: operation) }

  private func operation(
    _ number: Int, _ times: ClosedRange<UInt64>, _ effects: [Effect], isKnown: Bool = true
  ) -> Operation {
    Operation(
      client: 1, number: number, name: "test", invoked: times.lowerBound,
      returned: times.upperBound, outcome: isKnown ? .acknowledged : .unknown, effects: effects)
  }

  private func set(
    _ number: Int, _ keys: [Int], _ times: ClosedRange<UInt64>, isKnown: Bool = true
  ) -> Operation {
    operation(
      number, times, keys.map { Effect(key: $0, change: .write(value(number))) }, isKnown: isKnown)
  }

  /// How many things the checker finds wrong with a history from an empty store to `after`.
  private func findings(_ operations: [Operation], after: [Int: State]) -> Int {
    let findings = Findings(isQuiet: true)
    var checker = Checker(universe: universe, findings: findings, time: ExpiryTime(nil))
    let before = universe.keys.map { _ in State.absent }
    var states = before
    for (key, state) in after { states[key] = state }
    checker.check(operations, from: before, to: states, where: "test")
    return findings.count
  }

  @Test func `an acknowledged write that is gone is found`() {
    let history = [set(1, [0], 10...20), set(2, [0], 30...40)]
    #expect(findings(history, after: [0: value(2)]) == 0)
    #expect(findings(history, after: [:]) == 1)
    #expect(findings(history, after: [0: value(1)]) == 1)
  }

  @Test func `an unacknowledged write may be there or not`() {
    let history = [set(1, [0], 10...20), set(2, [0], 30...40, isKnown: false)]
    #expect(findings(history, after: [0: value(1)]) == 0)
    #expect(findings(history, after: [0: value(2)]) == 0)
    #expect(findings(history, after: [:]) == 1)
  }

  @Test func `an unacknowledged batch that is there by half is found`() {
    let history = [set(1, [0, 1, 2], 10...20, isKnown: false)]
    #expect(findings(history, after: [:]) == 0)
    #expect(findings(history, after: [0: value(1), 1: value(1), 2: value(1)]) == 0)
    #expect(findings(history, after: [0: value(1), 1: value(1)]) == 1)
  }

  @Test func `a deleted key that comes back is found`() {
    let delete = operation(2, 30...40, [Effect(key: 0, change: .remove(wasPresent: nil))])
    #expect(findings([set(1, [0], 10...20), delete], after: [:]) == 0)
    #expect(findings([set(1, [0], 10...20), delete], after: [0: value(1)]) == 1)
  }

  @Test func `a value that nobody wrote is found`() {
    #expect(findings([], after: [0: value(7)]) == 1)
    #expect(findings([set(1, [0], 10...20)], after: [0: value(7)]) == 1)
  }

  @Test func `writes at the same time may come in either order, later ones may not`() {
    let together = [set(1, [0], 10...30), set(2, [0], 20...40)]
    #expect(findings(together, after: [0: value(1)]) == 0)
    #expect(findings(together, after: [0: value(2)]) == 0)
  }

  @Test func `a read of what was overwritten before it is found`() {
    func read(_ state: State) -> Operation {
      operation(3, 50...60, [Effect(key: 0, change: .read(state))])
    }
    let writes = [set(1, [0], 10...20), set(2, [0], 30...40)]
    #expect(findings(writes + [read(value(2))], after: [0: value(2)]) == 0)
    #expect(findings(writes + [read(value(1))], after: [0: value(2)]) == 1)
    #expect(findings(writes + [read(.absent)], after: [0: value(2)]) == 1)
  }

  @Test func `a counter is exact up to the unacknowledged`() {
    let key = universe.counters[0]
    func add(_ number: Int, _ result: Int?, isKnown: Bool = true) -> Operation {
      let time = UInt64(number * 10)
      return operation(
        number, time...(time + 5), [Effect(key: key, change: .add(1, result: result))],
        isKnown: isKnown)
    }
    let history = [add(1, 1), add(2, 2), add(3, nil, isKnown: false)]
    func number(_ value: Int) -> State { State(kind: .number, number: value) }
    #expect(findings(history, after: [key: number(2)]) == 0)
    #expect(findings(history, after: [key: number(3)]) == 0)
    #expect(findings(history, after: [key: number(1)]) == 1)
    #expect(findings(history, after: [key: number(4)]) == 1)
  }

  @Test func `a list keeps its order`() {
    let key = universe.lists[0][0]
    func append(_ token: UInt64, _ time: UInt64, _ result: Int) -> Operation {
      operation(
        Int(token), time...(time + 5), [Effect(key: key, change: .append(token, result: result))])
    }
    let history = [append(1, 10, 16), append(2, 20, 32)]
    #expect(findings(history, after: [key: .list([1, 2])]) == 0)
    #expect(findings(history, after: [key: .list([2, 1])]) == 1)
    #expect(findings(history, after: [key: .list([1])]) == 1)
  }

  @Test func `a stamped value with any byte changed is nobody's`() {
    let name = universe.keys[0].name
    let bytes = StampedValue.make(client: 3, operation: 9, key: name, payload: [1, 2, 3, 4])
    #expect(universe.state(of: bytes, key: 0) == .stamped(client: 3, operation: 9))
    #expect(universe.state(of: bytes, key: 1).kind == .unreadable)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0x01
      #expect(universe.state(of: changed, key: 0).kind == .unreadable, "byte \(index)")
    }
  }

  @Test func `an effect in the record is read back as it was`() {
    let effects = [
      Effect(key: 1, change: .read(.absent)), Effect(key: 2, change: .write(value(3))),
      Effect(key: 3, change: .remove(wasPresent: nil)),
      Effect(key: 4, change: .remove(wasPresent: true)),
      Effect(key: 5, change: .add(-4, result: nil)), Effect(key: 6, change: .add(4, result: 9)),
      Effect(key: 7, change: .append(5, result: 16)),
      Effect(key: 8, change: .writeIfAbsent(.empty, isDone: false)),
      Effect(key: 9, change: .writeIfAbsent(value(1), isDone: nil)),
      Effect(key: 10, change: .write(value(2).expiring(1000...2000))),
      Effect(key: 11, change: .writeIfAbsent(value(2).expiring(5...5), isDone: true)),
      Effect(key: 12, change: .overwrite(value(3))), Effect(key: 13, change: .take(value(4))),
      Effect(key: 14, change: .setExpiry(7...9, isDone: nil)),
      Effect(key: 15, change: .setExpiry(7...7, isDone: false)),
      Effect(key: 16, change: .persist(isDone: nil)),
      Effect(key: 17, change: .persist(isDone: true)),
    ]
    let words = Record.text(of: effects).split(separator: " ")
    #expect(words.compactMap { Record.effect($0) } == effects)
  }
}
