import Base
import FaultDevices
import KVStore

/// Rounds that do one thing on purpose, to which chance alone leads hardly ever.
extension ScriptMaker {
  /// A group of batches over several partitions, torn at any byte: in many cases between an intent and its marker.
  mutating func splitRound() -> Script.Round {
    let batches = (0..<6).map { _ in
      let puts = (0..<3).map { _ in Script.Write.put(address(), count: 4, fill: 5) }
      return Script.Action.write(puts, conditions: [], wait: .none)
    }
    return rareRound(
      batches + [.increment(address(), wait: .request)], at: .groupBeforeSync, .power(.tearsAtByte))
  }

  /// One batch, and then nobody asks for anything for longer than what was acknowledged may stay unsynced.
  mutating func quietRound() -> Script.Round {
    let put = Script.Write.put(address(), count: 10, fill: 3)
    let actions: [Script.Action] =
      [.write([put], conditions: [], wait: .sync)] + Array(repeating: .pause, count: 50)
    return Script.Round(
      openings: [],
      operations: actions.map { action in
        nextID += 1
        return Script.Operation(id: nextID, client: 0, action: action)
      }, crash: nil, ending: .power(.loses))
  }

  /// Crash points to which chance alone leads hardly ever, each with what leads there.
  mutating func rareRounds() -> [Script.Round]? {
    switch Int.random(in: 0..<30, using: &random) {
    case 0:
      // A segment that was being made is a leftover of the next opening.
      let ends = [CrashPoint.segmentBeforeRename, .controlBeforeWrite]
      return [
        rareRound([], at: ends.randomElement(using: &random)!, .kill),
        rareRound(
          openings: [.crash(.leftoverAfterRemoval, count: 1, ending(true))], [increment()],
          at: .groupAfterWrite, ending(true)),
      ]
    case 1:
      // More segments become free at once than are kept.
      let put = Script.Write.put(address(), count: 90_000, fill: 7)
      let at = [CrashPoint.segmentBeforeRemoval, .segmentAfterRemoval]
      return [
        rareRound(
          [.write([put], conditions: [], wait: .durable), .checkpoint],
          at: at.randomElement(using: &random)!, ending(true))
      ]
    case 2:
      // A range delete of more keys than one chunk takes.
      let puts = (0..<250).map { number in
        Script.Write.put(Address(Array("purged \(number)".utf8)), count: 8, fill: 1)
      }
      return [
        rareRound(
          [
            .write(puts, conditions: [], wait: .durable), .checkpoint,
            .write([.deleteRange(.everything)], conditions: [], wait: .durable), .checkpoint,
            .pause, .pause,
          ], at: .purgeBeforePosition, ending(true))
      ]
    default: return nil
    }
  }

  private mutating func increment() -> Script.Action { .increment(address(), wait: .durable) }

  private mutating func rareRound(
    openings: [Script.Opening] = [], _ actions: [Script.Action], at point: CrashPoint,
    _ ending: Script.Ending
  ) -> Script.Round {
    let operations = actions.map { action in
      nextID += 1
      return Script.Operation(id: nextID, client: 0, action: action)
    }
    return Script.Round(
      openings: openings, operations: operations, crash: (point: point, count: 1), ending: ending)
  }

  /// Records that fill one sector each: what a cut loses of a group may have sound records behind it,
  /// which the next records would join were it not for the epoch.
  mutating func alignedRound() -> Script.Round {
    let operations = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      nextID += 1
      let key = Array("k\(Int.random(in: 100...999, using: &random))".utf8)
      let write = Script.Write.put(
        Address(key), count: 445, fill: UInt8.random(in: 0...9, using: &random))
      return Script.Operation(
        id: nextID, client: 0,
        action: .write([write], conditions: [], wait: chance(1, in: 4) ? .durable : .none))
    }
    nextID += 1
    let last = Script.Operation(
      id: nextID, client: 0, action: .increment(Address([]), wait: .request))
    let isLoss = chance(1, in: 2)
    return Script.Round(
      openings: [], operations: isLoss ? operations + [last] : operations,
      crash: isLoss ? (point: .groupBeforeSync, count: 1) : nil,
      ending: isLoss ? .power(.reorders) : .close)
  }

  /// Range deletes one after the other, each of which is applied to the files at once, and reads beside them.
  mutating func purgingRound() -> Script.Round {
    var operations: [Script.Operation] = []
    func add(_ actions: [Script.Action], of client: Int) {
      for action in actions {
        nextID += 1
        operations.append(Script.Operation(id: nextID, client: client, action: action))
      }
    }
    for _ in 0..<8 {
      let key = userKey()
      let range = chance(1, in: 2) ? KeyRange.prefix(key) : range()
      add(
        [
          .write([.put(Address(key), count: 8, fill: 9)], conditions: [], wait: .none),
          .write([.deleteRange(range)], conditions: [], wait: .durable), .seal,
        ], of: 0)
      add(
        [.get([Address(key)]), .get([Address(key)]), .scan(range, reverse: false, limit: .max)],
        of: 1)
    }
    return Script.Round(openings: [], operations: operations, crash: nil, ending: ending(false))
  }

  /// Keys that are in the files are replaced twice, by batches that delete them first, and reads beside that: a key that
  /// is always there must always be found.
  mutating func replacingRound() -> Script.Round {
    var operations: [Script.Operation] = []
    func add(_ action: Script.Action, of client: Int) {
      nextID += 1
      operations.append(Script.Operation(id: nextID, client: client, action: action))
    }
    for _ in 0..<4 {
      let key = userKey()
      let put = Script.Write.put(Address(key), count: 8, fill: 9)
      let replacement: [Script.Write] = [.deleteRange(.prefix(key)), put]
      add(.write([put], conditions: [], wait: .durable), of: 0)
      add(.checkpoint, of: 0)
      if chance(1, in: 2) {
        add(.write([.put(address(), count: 8, fill: 9)], conditions: [], wait: .none), of: 0)
        add(.seal, of: 0)
      }
      add(.write(replacement, conditions: [], wait: .none), of: 0)
      add(.seal, of: 0)
      add(.write(replacement, conditions: [], wait: .durable), of: 0)
      add(.pause, of: 0)
      for _ in 0..<8 { add(.get([Address(key)]), of: 1) }
    }
    return Script.Round(openings: [], operations: operations, crash: nil, ending: .close)
  }

  /// Holds on the log and cursors, while segments are recycled beside them, and a crash somewhere in that.
  mutating func holdingRound() -> Script.Round {
    var operations: [Script.Operation] = []
    func add(_ action: Script.Action, of client: Int) {
      nextID += 1
      operations.append(Script.Operation(id: nextID, client: client, action: action))
    }
    for _ in 0..<Int.random(in: 10...60, using: &random) {
      let hold = Int.random(in: 0..<3, using: &random)
      switch Int.random(in: 0..<16, using: &random) {
      case 0: add(.holdLog(hold, fromOldest: chance(1, in: 2)), of: 0)
      case 1, 2: add(.advanceHold(hold), of: 0)
      case 3: if chance(1, in: 2) { add(.releaseHold(hold), of: 0) }
      case 4, 5: add(.followLog(hold: hold), of: 0)
      case 6: add(.followLog(hold: nil), of: 0)
      case 7, 8: add(.checkpoint, of: 0)
      case 9:
        // Written, and not yet synced by others when a cursor looks.
        add(.write([put(100)], conditions: [], wait: .request), of: 0)
        add(.followLog(hold: chance(1, in: 2) ? hold : nil), of: 0)
      default:
        let wait = Script.Wait.allCases.randomElement(using: &random)!
        let writes = [put(Int.random(in: 1000...9000, using: &random)), put(10)]
        add(
          .write(writes, conditions: [], wait: wait),
          of: Int.random(in: 0..<clientCount, using: &random))
      }
    }
    let points = CrashPoint.allCases.filter { point in
      ["holds", "checkpoint", "segment", "control", "group"].contains {
        point.rawValue.hasPrefix($0)
      }
    }
    let crash =
      chance(2, in: 3)
      ? (
        point: points.randomElement(using: &random)!, count: Int.random(in: 1...12, using: &random)
      ) : nil
    return Script.Round(
      openings: [], operations: operations, crash: crash, ending: ending(crash != nil))
  }

  private mutating func put(_ count: Int) -> Script.Write {
    .put(address(), count: count, fill: UInt8.random(in: 0...255, using: &random))
  }

  /// Owners that are in the files move to other keys, and what is behind a move may be hidden by a range delete when the
  /// move comes to the files.
  mutating func movingRound() -> Script.Round {
    var actions: [Script.Action] = []
    for _ in 0..<6 {
      ownerCount += 1
      let key = Array("moves \(ownerCount)".utf8)
      let id = Owners.id(ownerCount, at: key)
      actions += [
        .write([.putOwner(key, id: id)], conditions: [], wait: .durable), .checkpoint,
        .write(
          [.moveOwner(key, to: Array("moved \(ownerCount)".utf8))], conditions: [], wait: .none),
        .seal, .write([.deleteRange(.prefix(key))], conditions: [], wait: .durable), .seal, .pause,
      ]
    }
    return Script.Round(
      openings: [],
      operations: actions.map { action in
        nextID += 1
        return Script.Operation(id: nextID, client: 0, action: action)
      }, crash: nil, ending: .close)
  }
}
