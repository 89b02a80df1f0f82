/// What the hashes and sets of a store hold, and what the keys do that may expire.
extension Contents {
  /// Each of them by itself; a page of keys has told which of those that never expire are there.
  mutating func readContainers(
    _ connection: Connection, _ universe: Universe, _ findings: Findings, _ time: ExpiryTime
  ) throws(Connection.Failure) {
    for container in universe.containers {
      let questions = container.type == .whole ? container.questions : container.counted
      let (answers, clocks) = try ask(questions, connection, time)
      if container.type == .whole {
        if let state = universe.whole(container, answers[...], clocks: clocks, findings) {
          set(container.cells[0], to: state)
        }
        continue
      }
      Invariant.checkCount(of: container, answers[0], answers[1], findings)
      guard let found = universe.states(of: container, answers[0], findings) else { return }
      for (cell, state) in zip(container.cells, found) { set(cell, to: state) }
      if hasKey(container.name) != found.contains(where: { $0.kind != .absent }) {
        findings.add("\(container.name): the range of keys and its fields differ")
      }
      if universe.states(of: container, try connection.call(container.readAll), findings) != found {
        findings.add("\(container.name): its fields one by one and all at once differ")
      }
    }
    for key in universe.mortals {
      let name = universe.keys[key].name
      let questions = [[Array("GET".utf8), Array(name.utf8)]] + Lifetime.questions(name)
      let (answers, clocks) = try ask(questions, connection, time)
      let state = universe.state(of: answers[0].bytes, key: key)
      if state.kind == .unreadable { findings.add("\(name) holds what nobody wrote") }
      set(
        key,
        to: Lifetime.apply(
          answers[1], answers[2], to: state, of: name, clocks: clocks, findings))
    }
  }

  /// The answers, which are of one state, because nobody writes, and what the daemon's clocks can have shown. Not
  /// by EXEC, which is refused like a write while the disk is full.
  private func ask(
    _ questions: [[[UInt8]]], _ connection: Connection, _ time: ExpiryTime
  ) throws(Connection.Failure) -> (answers: [Reply], clocks: ClockReading) {
    var answers: [Reply] = []
    var start = System.now()
    // A key that expires meanwhile is gone by the last answer, and asked for once more.
    for _ in 0..<2 {
      start = System.now()
      try connection.send(questions.flatMap(Connection.encode))
      answers = []
      for _ in questions { answers.append(try connection.receive()) }
      if answers.last != .integer(-2) {
        return (answers, time.clocks(from: start, to: System.now()))
      }
    }
    return (answers, time.clocks(from: start, to: System.now()))
  }
}
