import Testing

@testable import kvd_drive

/// What hashes and sets reply is taken apart field by field, and what nobody wrote is found.
@Suite struct ContainerTests {
  private let universe = Universe()

  private func bulk(_ text: String) -> Reply { .bulk(Array(text.utf8)) }

  private func stamp(_ name: String, _ operation: Int) -> Reply {
    .bulk(StampedValue.make(client: 1, operation: operation, key: name, payload: [1]))
  }

  private func judge(_ container: Container, _ elements: [Reply]) -> (states: [State]?, count: Int)
  {
    let findings = Findings(isQuiet: true)
    let states = universe.states(of: container, .array(elements), findings)
    return (states, findings.count)
  }

  @Test func `each field of a hash has its state`() {
    let map = universe.containers[universe.maps[0]]
    let name = universe.keys[map.cells[2]].name
    let (states, count) = judge(map, [bulk(map.fields[2]), stamp(name, 7)])
    var expected = map.cells.map { _ in State.absent }
    expected[2] = .stamped(client: 1, operation: 7)
    #expect(states == expected)
    #expect(count == 0)
    #expect(judge(map, [bulk(map.fields[1]), stamp(name, 7)]).count == 1)
    #expect(judge(map, [bulk("strange"), stamp(name, 7)]).count == 1)
    #expect(judge(map, [bulk(map.fields[2])]).count == 1)
  }

  @Test func `a whole hash is there with every field and one stamp, or not at all`() {
    let whole = universe.containers[universe.wholes[0][0]]
    func fields(_ stamps: [Int]) -> [Reply] {
      zip(whole.fields, stamps).flatMap { [bulk($0), stamp(whole.stampName($0), $1)] }
    }
    let same = whole.fields.map { _ in 3 }
    #expect(judge(whole, fields(same)).states == [.stamped(client: 1, operation: 3)])
    #expect(judge(whole, []).states == [.absent])
    #expect(judge(whole, fields(Array(same.dropLast()))).count == 1)
    #expect(judge(whole, fields(same.dropLast() + [4])).count == 1)
  }

  @Test func `one hash under two names, a wrong count and a sum that moved are found`() {
    let pair = universe.wholes[0].map { universe.containers[$0] }
    let findings = Findings(isQuiet: true)
    let state = State.stamped(client: 1, operation: 3)
    Invariant.checkNames(pair, [state, .absent], findings)
    Invariant.checkNames(pair, [.absent, .absent], findings)
    Invariant.checkCount(of: pair[0], .array([bulk("a"), bulk("b")]), .integer(1), findings)
    #expect(findings.count == 0)
    Invariant.checkNames(pair, [state, state.expiring(5...5)], findings)
    #expect(findings.count == 1)
    Invariant.checkCount(of: pair[0], .array([bulk("a"), bulk("b")]), .integer(2), findings)
    #expect(findings.count == 2)
    func purses(_ numbers: [Int]) -> [Effect] {
      zip(universe.purses, numbers).map {
        Effect(key: $0, change: .read(State(kind: .number, number: $1)))
      }
    }
    Invariant.checkPurses(purses([5, -3, -2]), universe, findings)
    #expect(findings.count == 2)
    Invariant.checkPurses(purses([5, -3, -1]), universe, findings)
    #expect(findings.count == 3)
  }

  @Test func `what is left of a life must agree with its end and with the clock`() {
    func findings(_ end: Int, _ left: Int, _ state: State) -> Int {
      let findings = Findings(isQuiet: true)
      _ = Lifetime.apply(
        .integer(end), .integer(left), to: state, of: "key",
        clocks: ClockReading(wall: 1000...1010, lead: 0...0), findings)
      return findings.count
    }
    let value = State.stamped(client: 1, operation: 1)
    #expect(findings(2000, 995, value) == 0)
    #expect(findings(2000, 1001, value) == 1)
    #expect(findings(2000, 989, value) == 1)
    #expect(findings(-1, -1, value) == 0)
    #expect(findings(-2, -2, .absent) == 0)
    #expect(findings(-1, -1, .absent) == 1)
    #expect(findings(-2, -2, value) == 1)
    #expect(findings(2000, 995, .absent) == 1)
  }
}
