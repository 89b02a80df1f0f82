/// One round of work: who the clients are, what happens to the daemon meanwhile, and how it ends.
extension StoreLife {
  /// Clients at work until the daemon is killed, or now and then stopped; what they did.
  func work(_ daemon: Daemon) -> [Operation] {
    let (stop, crew, seed) = (Client.StopFlag(), Crew(), random.next())
    let willStop = random.once(in: 12)
    let isOfStamps = isOfStamps || bulk == nil && disk == nil && random.once(in: 8)
    let roles =
      bulk.map(rolesOfBulk) ?? (isOfStamps ? rolesOfStamps() : mixture(willStop: willStop))
    tally.bulkRounds += bulk == nil ? 0 : 1
    tally.stampRounds += isOfStamps ? 1 : 0
    func plan(_ number: Int, _ role: Role) -> Client.Plan {
      Client.Plan(
        universe: setting.universe, record: setting.record, findings: findings,
        time: time, port: daemon.port, seed: seed, number: number,
        firstOperation: tally.rounds << 20,
        largestValue: largestValue, stop: stop, role: role, hasBulk: bulk != nil,
        mayBeRefused: disk != nil)
    }
    for (number, role) in roles.enumerated() { crew.start(plan(number + 1, role)) }
    var history: [Operation] = []
    if random.once(in: 6) { pause(daemon) }
    if clock != nil { jump(daemon) }
    if let disk, !isOfStamps, random.once(in: 2) {
      history += fill(disk, daemon, plan(roles.count + 1, .everything))
    }
    let longest = bulk != nil ? 1500 : isOfStamps ? 800 : 400
    let isShort = !isOfStamps && random.once(in: 3)
    daemon.sleep(milliseconds: isShort ? random.within(0...40) : random.within(20...longest))
    end(daemon, willStop: willStop)
    stop.set()
    history += crew.join()
    tally.add(history)
    tally.refusals += crew.refusedCount
    return history
  }

  private func mixture(willStop: Bool) -> [Role] {
    let role = random.once(in: 4) ? Role.types : .everything
    var roles = [role] + [Role](repeating: .everything, count: random.within(1...7))
    if random.once(in: 4) { roles = roles.map { _ in .types } }
    if random.once(in: 3) { roles.append(.scans) }
    if !willStop, random.once(in: 4) { roles.append(.deaf) }
    if disk != nil, random.once(in: 2) { roles.append(.heavy) }
    return roles
  }

  private func rolesOfBulk(_ bulk: Bulk) -> [Role] {
    [.bulk(bulk), .bulkReader(bulk), .scans]
      + [Role](repeating: .everything, count: random.within(0...2))
  }

  private func rolesOfStamps() -> [Role] {
    [.seals] + [Role](repeating: .stamps, count: random.within(1...3))
      + [Role](repeating: .cuts, count: random.within(2...8))
  }

  private func pause(_ daemon: Daemon) {
    daemon.sleep(milliseconds: random.within(1...100))
    daemon.pause(
      milliseconds: random.once(in: 10) ? random.within(1000...1500) : random.within(1...150))
    tally.pauses += 1
  }

  /// Forward and back by days, minutes, or a second.
  private func jump(_ daemon: Daemon) {
    for _ in 0..<random.within(1...4) {
      setClock()
      daemon.sleep(milliseconds: random.within(1...60))
    }
  }

  /// Takes the room there is, while a client has large values written again; makes some again, mostly. What the
  /// client did, that then looked whether writes go on, too.
  private func fill(_ disk: SmallDisk, _ daemon: Daemon, _ plan: Client.Plan) -> [Operation] {
    daemon.sleep(milliseconds: random.within(0...60))
    let client = Client(plan)
    client?.run(random.within(0...6)) { client throws(Client.Stop) in try client.setAnyHeavy() }
    disk.fill(leaving: random.once(in: 2) ? 0 : random.within(1...300) << 10)
    tally.fullDisks += 1
    client?.run(20) { client throws(Client.Stop) in try client.stepOfHeavy() }
    daemon.sleep(milliseconds: random.within(5...400))
    expectAnswers(daemon)
    guard let client, !random.once(in: 3) else { return client?.history ?? [] }
    disk.makeRoom()
    if random.once(in: 2) { return client.history }
    if !client.canWrite(seconds: 20) {
      // One that has come to its crash point has no connections any more a moment before it is gone.
      daemon.sleep(milliseconds: 1000)
      if daemon.isRunning {
        findings.add("there is room again, and yet no write was taken for 20 seconds")
      }
    }
    return client.history
  }

  /// While the disk is full nobody waits for room on it: several clients, so that each I/O thread has some, are
  /// answered, also those that ask for what is held until everything before is durable.
  private func expectAnswers(_ daemon: Daemon) {
    for number in 0..<6 {
      guard let connection = Connection(port: daemon.port) else { return }
      for command in [["PING"], ["DEL", "never:\(number)"], ["PING"]] {
        do throws(Connection.Failure) {
          _ = try connection.call(command.map { Array($0.utf8) })
        } catch .timedOut {
          findings.add("\(command[0]) was not answered in a minute while the disk was full")
        } catch {
          // It has come to its crash point; that it ended otherwise is found at the end of the round.
          return
        }
      }
    }
  }

  private func end(_ daemon: Daemon, willStop: Bool) {
    if daemon.isRunning, willStop {
      // What is full cannot be cleaned up; that it stops at all and loses nothing is judged later.
      disk?.makeRoom()
      expectCleanStop(daemon)
      return
    }
    if daemon.isRunning { tally.kills += 1 }
    daemon.kill()
    if daemon.hasCrashed { tally.crashed(at: daemon.crashPoint) }
    if daemon.hasFailed { found(daemon, "ended by itself") }
  }
}
