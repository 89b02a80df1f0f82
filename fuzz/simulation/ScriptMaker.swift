import Base
import FaultDevices
import Glibc
import KVStore

/// Makes a script out of a seed.
struct ScriptMaker {
  private let seed: UInt64
  var random: SeededGenerator
  var nextID = 0
  var ownerCount = 0
  var clientCount = 1
  private var keyCount = 8

  init(seed: UInt64) {
    self.seed = seed
    random = SeededGenerator(seed &* 0x9E37_79B9 &+ 17)
  }

  mutating func chance(_ one: Int, in all: Int) -> Bool {
    Int.random(in: 0..<all, using: &random) < one
  }

  mutating func make() -> Script {
    clientCount = Int.random(in: 1...4, using: &random)
    let readsBesidePurges = chance(1, in: 8)
    if readsBesidePurges { clientCount = max(2, clientCount) }
    keyCount = [3, 12, 60].randomElement(using: &random)!
    let segmentByteCount = [8192, 12288, 16384, 65536].randomElement(using: &random)!
    let isAligned = chance(1, in: 10)
    let roundCount = Int.random(in: 2...5, using: &random)
    var rounds = (0..<roundCount).map { isAligned ? alignedRound() : round($0) }
    if !isAligned, let rare = rareRounds() { rounds.insert(contentsOf: rare, at: 0) }
    var script = Script(
      seed: seed, partitionCount: Int.random(in: 1...4, using: &random),
      segmentByteCount: segmentByteCount,
      logByteLimit: segmentByteCount * Int.random(in: 1...4, using: &random),
      memtableByteCount: (64 << 10) * Int.random(in: 4...8, using: &random),
      applyEntryLimit: [1, 2, 5, 1000].randomElement(using: &random)!,
      purgeKeyLimit: [1, 3, 20, 200].randomElement(using: &random)!, clientCount: clientCount,
      durability: chance(1, in: 5) ? .periodic : .sync, checksImages: chance(1, in: 4),
      rounds: rounds)
    if script.durability == .periodic, chance(1, in: 3) { script.rounds.append(quietRound()) }
    if chance(1, in: 6) { script.rounds.append(splitRound()) }
    if readsBesidePurges { script.rounds.append(purgingRound()) }
    if chance(1, in: 8) { script.rounds.append(movingRound()) }
    if readsBesidePurges { script.rounds.append(replacingRound()) }
    if chance(1, in: 3) {
      if chance(1, in: 5) { script.heldSegmentLimit = Int.random(in: 1...6, using: &random) }
      for _ in 0..<Int.random(in: 2...3, using: &random) { script.rounds.append(holdingRound()) }
    }
    return script
  }

  private mutating func round(_ number: Int) -> Script.Round {
    let count = [5, 30, 80].randomElement(using: &random)!
    let operations = (0..<Int.random(in: 1...count, using: &random)).map { _ in operation() }
    var openings: [Script.Opening] = []
    while chance(1, in: 3), openings.count < 3 { openings.append(opening(isFirst: number == 0)) }
    let crash =
      chance(3, in: 4)
      ? (point: point(), count: chance(1, in: 2) ? 1 : Int.random(in: 1...20, using: &random))
      : nil
    return Script.Round(
      openings: openings, operations: operations, crash: crash, ending: ending(crash != nil))
  }

  private mutating func point() -> CrashPoint { CrashPoint.allCases.randomElement(using: &random)! }

  private mutating func opening(isFirst: Bool) -> Script.Opening {
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1: return .fault(fault(skippingUpTo: 6))
    case 2: return .dataFault(dataFault(skippingUpTo: 3))
    default: break
    }
    // What an opening comes to: a store is made by the first.
    let names =
      isFirst
      ? ["create", "log", "manifest", "control", "epoch"]
      : ["recovery", "tail", "epoch", "control", "manifest", "leftover", "createAfterNoteRemoval"]
    let points = CrashPoint.allCases.filter { point in
      names.contains { point.rawValue.hasPrefix($0) }
    }
    return .crash(
      points.randomElement(using: &random)!,
      count: chance(2, in: 3) ? 1 : Int.random(in: 2...3, using: &random), ending(true))
  }

  mutating func ending(_ isCrash: Bool) -> Script.Ending {
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1: return .kill
    case 2: return isCrash ? .kill : .close
    default: return .power(Crash.allCases.randomElement(using: &random)!)
    }
  }

  private mutating func fault(skippingUpTo limit: Int) -> MemoryDevice.Fault {
    let operation = MemoryDevice.Operation.allCases.randomElement(using: &random)!
    return MemoryDevice.Fault(
      operation: operation, prefix: chance(1, in: 2) ? "0" : "",
      skipping: Int.random(in: 0...limit, using: &random),
      code: chance(1, in: 3) ? ENOSPC : EIO, isShort: chance(1, in: 2))
  }

  private mutating func dataFault(skippingUpTo limit: Int) -> DataFiles.Fault {
    let operation = DataFiles.Fault.Operation.allCases.randomElement(using: &random)!
    // A full disk shows where a file grows, not where it is written over or synced.
    let code = operation == .write && chance(1, in: 2) ? ENOSPC : EIO
    return DataFiles.Fault(
      operation: operation, skipping: Int.random(in: 0...limit, using: &random), code: code,
      isShort: chance(1, in: 3))
  }

  private mutating func operation() -> Script.Operation {
    nextID += 1
    return Script.Operation(
      id: nextID, client: Int.random(in: 0..<clientCount, using: &random), action: action())
  }

  private mutating func action() -> Script.Action {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40: return .write([write()], conditions: conditions(1, in: 6), wait: wait())
    case 40..<58:
      let writes =
        chance(1, in: 8)
        ? manyRangeDeletes() : (0..<Int.random(in: 2...8, using: &random)).map { _ in write() }
      return .write(writes, conditions: conditions(1, in: 3), wait: wait())
    case 58..<64: return .increment(address(), wait: wait())
    case 64, 65:
      let count = chance(1, in: 3) ? Int.random(in: 70_000...300_000, using: &random) : 5000
      return .grow(address(), count: count, wait: wait())
    case 66..<72: return .get((0..<Int.random(in: 1...5, using: &random)).map { _ in address() })
    case 72..<78:
      return .scan(
        range(), reverse: chance(1, in: 2),
        limit: chance(1, in: 2) ? .max : Int.random(in: 0...5, using: &random))
    case 78..<81: return .count
    case 81..<85: return .hold(range())
    case 85..<92: return .seal
    case 92..<95: return .checkpoint
    case 95: return .pause
    case 96: return .removeOrphans
    case 97:
      return chance(1, in: 2)
        ? .pause : .jumpClock(milliseconds: Int.random(in: -20_000...100_000, using: &random))
    case 98:
      return .fillDisk(
        left: Int.random(in: 0...20_000, using: &random),
        ofData: Int.random(in: 0...60_000, using: &random))
    default:
      return chance(1, in: 2)
        ? .fault(fault(skippingUpTo: 12)) : .dataFault(dataFault(skippingUpTo: 8))
    }
  }

  private mutating func wait() -> Script.Wait {
    Script.Wait.allCases.randomElement(using: &random)!
  }

  private mutating func write() -> Script.Write {
    switch Int.random(in: 0..<28, using: &random) {
    case 0, 1: return deleteRange()
    case 24, 25:
      let key = userKey()
      ownerCount += 1
      return .putOwner(key, id: Owners.id(ownerCount, at: key))
    case 26, 27: return .moveOwner(userKey(), to: userKey())
    case 2..<7: return .delete(address())
    case 7..<10:
      return .putEntry(
        userKey(), count: valueCount(), fill: UInt8.random(in: 0...255, using: &random),
        type: chance(1, in: 2) ? 0 : UInt8.random(in: 1...127, using: &random),
        expiry: [0, 1, 2, .max - 1, .max].randomElement(using: &random)!)
    default:
      return .put(address(), count: valueCount(), fill: UInt8.random(in: 0...255, using: &random))
    }
  }

  /// More than are carried out in one chunk, over each other and over keys that the batch has put.
  private mutating func manyRangeDeletes() -> [Script.Write] {
    (0..<Int.random(in: 9...120, using: &random)).map { _ in
      chance(1, in: 5) ? write() : deleteRange()
    }
  }

  private mutating func valueCount() -> Int {
    switch Int.random(in: 0..<200, using: &random) {
    case 0: chance(1, in: 10) ? Int.random(in: 1 << 20...3 << 20, using: &random) : 100_000
    case 1..<10: Int.random(in: 2000...9000, using: &random)
    case 10..<40: Int.random(in: 0...900, using: &random)
    case 40..<60: 0
    default: [8, 100, 300, 500].randomElement(using: &random)!
    }
  }

  private mutating func conditions(_ one: Int, in all: Int) -> [Script.Condition] {
    guard chance(one, in: all) else { return [] }
    return (0..<Int.random(in: 1...2, using: &random)).map { _ in
      switch Int.random(in: 0..<4, using: &random) {
      case 0: .absent(userKey())
      case 1: .present(userKey())
      default: .sequence(userKey(), isRight: chance(4, in: 5))
      }
    }
  }

  /// Mostly of a user's key, at times of an entry that belongs to another.
  mutating func address() -> Address {
    chance(1, in: 12) ? Address(ownedKey(), in: .owned) : Address(userKey())
  }

  private mutating func ownedKey() -> [UInt8] {
    let number = UInt8.random(in: 0...2, using: &random)
    return [number * 31, 0] + [UInt8](repeating: number, count: 12)
      + [UInt8.random(in: 0...9, using: &random)]
  }

  /// A few hot keys and many cold ones; the empty key is one of them, and some begin with zeros.
  mutating func userKey() -> [UInt8] {
    let number =
      chance(1, in: 2)
      ? Int.random(in: 0..<min(3, keyCount), using: &random)
      : Int.random(in: 0..<keyCount, using: &random)
    if number == 0 { return [] }
    let name = Array("k\(number * 7919 % 997)".utf8)
    return number % 7 == 1 ? [0, UInt8(number % 5)] + name : name
  }

  private mutating func deleteRange() -> Script.Write {
    chance(1, in: 8)
      ? .deleteRange(range(of: { $0.ownedKey() }), in: .owned) : .deleteRange(range())
  }

  mutating func range() -> KeyRange { range(of: { $0.userKey() }) }

  private mutating func range(of makeKey: (inout Self) -> [UInt8]) -> KeyRange {
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .everything
    case 1: return .prefix(makeKey(&self))
    case 2: return KeyRange(from: makeKey(&self))
    default:
      let bounds = [makeKey(&self), makeKey(&self)].sorted { $0.lexicographicallyPrecedes($1) }
      return KeyRange(from: bounds[0], to: bounds[1])
    }
  }
}
