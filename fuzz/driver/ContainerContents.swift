/// What the hashes and sets of a store hold, and what the keys do that may expire.
extension Contents {
  /// Each of them at one cut; a page of keys has told which of those that never expire are there.
  mutating func readContainers(
    _ connection: Connection, _ universe: Universe, _ findings: Findings, _ time: ExpiryTime
  ) throws(Connection.Failure) {
    for container in universe.containers {
      let questions = container.type == .whole ? container.questions : container.counted
      let (answers, clock) = try ask(questions, connection, time)
      guard answers.count == questions.count else {
        findings.add("\(container.name) could not be read: \(Reply.array(answers).brief)")
        return
      }
      if container.type == .whole {
        if let state = universe.whole(container, answers[...], clock: clock, findings) {
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
      let (answers, clock) = try ask(questions, connection, time)
      guard answers.count == questions.count else {
        findings.add("\(name) could not be read: \(Reply.array(answers).brief)")
        return
      }
      let state = universe.state(of: answers[0].bytes, key: key)
      if state.kind == .unreadable { findings.add("\(name) holds what nobody wrote") }
      set(
        key,
        to: Lifetime.apply(
          answers[1], answers[2], to: state, of: name, clock: clock, findings))
    }
  }

  /// The answers at one cut, and what the daemon's clock can have shown; none after an error.
  private func ask(
    _ questions: [[[UInt8]]], _ connection: Connection, _ time: ExpiryTime
  ) throws(Connection.Failure) -> (answers: [Reply], clock: ClosedRange<Int>) {
    let start = System.now()
    try connection.send(
      ([[Array("MULTI".utf8)]] + questions + [[Array("EXEC".utf8)]]).flatMap(Connection.encode))
    for _ in 0...questions.count { _ = try connection.receive() }
    let reply = try connection.receive()
    return (reply.elements ?? [], time.reading(from: start, to: System.now()))
  }
}
