import Base
import FaultDevices
import Foundation
import KVStore

/// Carries out one script from its beginning to its end.
struct Runner {
  let world: World
  private var script: Script { world.script }

  /// What became of a run in which nothing was wrong.
  struct Result {
    var switches: Int
    var trace: UInt64
    var crashes: Int
    var crashPoints: [CrashPoint]
  }

  /// Runs `script`. Returns only where nothing was wrong.
  static func run(_ script: Script, in folder: String) -> Result {
    let manager = FileManager.default
    try? manager.removeItem(atPath: folder)
    try? manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: folder) }
    let scheduler = Scheduler(seed: script.seed)
    let world = World(script, scheduler: scheduler, folder: folder)
    let descriptors = openDescriptorCount()
    DataFiles.follow(folder, seed: script.seed)
    Scheduling.simulate(scheduler)
    CrashPoint.setHandler { world.reached($0) }
    let runner = Runner(world: world)
    for round in script.rounds { runner.run(round) }
    runner.finish()
    CrashPoint.setHandler(nil)
    Scheduling.simulate(nil)
    DataFiles.follow(nil, seed: 0)
    let left = openDescriptorCount()
    if left != descriptors { Verdict.fail("\(left) descriptors are open, \(descriptors) were") }
    return Result(
      switches: scheduler.switchCount, trace: scheduler.trace, crashes: world.crashCount,
      crashPoints: world.crashPoints)
  }

  private static func openDescriptorCount() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }

  // MARK: A round

  private func run(_ round: Script.Round) {
    let store = open(through: round.openings)
    world.store = store
    check(store)
    if let (point, count) = round.crash { world.arm(point, count, round.ending) }
    // Room comes back by itself after a while, as it does when somebody deletes a file.
    let keeper = Monitor()
    let isOver = Box(false)
    let helper = WorkerThread(name: "room") {
      keeper.withLock {
        while !isOver.value {
          keeper.wait(milliseconds: 900)
          lift()
        }
      }
    }
    let clients = (0..<script.clientCount).map { client in
      let operations = round.operations.filter { $0.client == client }
      let world = world
      return WorkerThread(name: "client \(client)") { Client(world, store).run(operations) }
    }
    for client in clients { client.join() }
    keeper.withLock {
      isOver.value = true
      keeper.broadcast()
    }
    helper.join()
    end(round, store)
  }

  @Sendable private func lift() {
    if world.hasCrashed { return }
    world.device.limitRoom(to: nil)
    DataFiles.limitRoom(to: nil)
  }

  private func end(_ round: Script.Round, _ store: Store) {
    checkReaders(store)
    if world.isFull, !world.isFaulty, !world.hasCrashed { makeRoom(store) }
    if case .close = round.ending, !world.hasCrashed, !world.isFaulty {
      world.notePromises()
      do {
        try store.close()
      } catch .diskFull {
        // The log holds all that was acknowledged: as good as a kill.
        if !world.hasCrashed { world.crash(.kill) }
      } catch {
        if !world.hasCrashed { Verdict.fail("closing: \(error)") }
      }
      if !world.hasCrashed {
        // All that was ordered was acknowledged by that.
        world.settleAll()
        world.store = nil
        world.disarm()
        return
      }
    }
    if !world.hasCrashed { world.crash(round.ending) }
    world.disarm()
    world.store = nil
    try? store.close()
  }

  /// With room again everything goes on: what was acknowledged gets into LMDB, and new batches are taken.
  private func makeRoom(_ store: Store) {
    lift()
    world.isFull = false
    let pause = Monitor()
    var refusal: StoreError?
    for _ in 0..<20 where !world.hasCrashed {
      do throws(StoreError) {
        try store.checkpoint()
        try store.admit(byteCount: 1000)
        refusal = nil
        break
      } catch {
        // It is found out when it is tried again, twice a second.
        refusal = error
        pause.withLock { pause.wait(milliseconds: 600) }
      }
    }
    if world.hasCrashed { return }
    if let refusal { Verdict.fail("there is room again, and yet: \(refusal)") }
    let write = Script.Write.put(Address([]), count: 100, fill: 1)
    Client(world, store).run([
      Script.Operation(id: 0, client: 0, action: .write([write], conditions: [], wait: .durable))
    ])
  }

  /// More slots than there can be readers at a time were not given back.
  private func checkReaders(_ store: Store) {
    guard !world.hasCrashed, let statistics = try? store.statistics() else { return }
    let limit = script.partitionCount * (script.clientCount * 4 + 8)
    guard statistics.readerSlotCount <= limit else {
      Verdict.fail("\(statistics.readerSlotCount) reader slots are in use, \(limit) can be")
    }
  }

  // MARK: Opening

  private func open(through openings: [Script.Opening]) -> Store {
    for opening in openings {
      settleImage()
      switch opening {
      case .crash(let point, let count, let ending): world.arm(point, count, ending)
      case .fault(let fault):
        world.isFaulty = true
        world.device.fail(fault)
      case .dataFault(let fault):
        world.isFaulty = true
        DataFiles.fail(fault)
      }
      do {
        let store = try world.open()
        world.store = store
        if !world.hasCrashed { check(store) }
        // It did not come to that point; the process ends here all the same.
        world.crash(.kill)
        world.store = nil
        try? store.close()
      } catch {
        if !world.hasCrashed && !world.isFaulty { Verdict.fail("opening: \(error)") }
        world.abandonOpening()
      }
      world.disarm()
    }
    settleImage()
    do {
      return try world.open()
    } catch {
      Verdict.fail("opening after a crash: \(error)")
    }
  }

  private func settleImage() {
    if world.takeImage() != nil, script.checksImages { inspect(entryCount: nil) }
  }

  /// What `kvd check` says of the store as it lies there, which must be that it is sound.
  private func inspect(entryCount: Int?) {
    // Without a manifest there is no store yet.
    guard FileManager.default.fileExists(atPath: "\(world.path)/MANIFEST") else { return }
    do {
      var inspection = try StoreInspection(at: world.path)
      // A device of its own: looking makes names durable there.
      let device = world.device.afterKill()
      inspection.makeLogDevice = { _ in device }
      // Fields that clients put beside owners, and what they themselves have left.
      let abandoned = world.abandoned
      inspection.isExpectedUnowned = { !Owners.isID($0) || abandoned.contains($0) }
      let report = inspection.check()
      guard report.isSound else {
        Verdict.fail("check finds: " + report.findings.joined(separator: "\n"))
      }
      if let entryCount, report.tombstoneCount == 0,
        report.entryCount - report.otherEntryCount != entryCount
      {
        Verdict.fail(
          "check counts \(report.entryCount) entries, \(report.otherEntryCount) of them not users', "
            + "not \(entryCount)")
      }
    } catch {
      Verdict.fail("checking: \(error)")
    }
  }

  /// What recovery brought must be what some prefix of the order makes, with all in it that was
  /// promised.
  private func check(_ store: Store) {
    let published = store.publishedSequence
    let recovery = store.openReport.recovery
    // Positions tell what the log holds; sequences may have been passed over since.
    let sequence = world.history.sequence(before: recovery.end.rawValue)
    guard sequence >= world.promised else {
      Verdict.fail("batches up to \(world.promised) were acknowledged, \(sequence) are there")
    }
    guard let model = world.history.model(at: sequence) else {
      Verdict.fail("sequence \(sequence) is there, \(world.history.last) was the last one ordered")
    }
    let mayPassOver = script.durability == .periodic || published >= world.history.last
    guard published == max(sequence, world.history.begun) || mayPassOver else {
      Verdict.fail("sequence \(published) is there, the log holds batches up to \(sequence)")
    }
    guard published >= world.seen else {
      Verdict.fail(
        "sequences up to \(world.seen) were seen before, and those after \(published) come again")
    }
    world.settle(at: sequence, goingOnAfter: published)
    do { try world.checkHolds(store) } catch { Verdict.fail("holds after recovery: \(error)") }
    do {
      try compare(store, model, sequence)
    } catch {
      // The writers that recovery has set going may have met a failing meta page meanwhile.
      if DataFiles.hasMetaFailed { return }
      Verdict.fail("reading after recovery at sequence \(sequence): \(error)")
    }
  }

  private func compare(_ store: Store, _ model: Model, _ sequence: SequenceNumber) throws {
    let expected = model.keys(in: .everything)
    let owned = try store.scan(.everything, in: .owned)
    let backward = try store.scan(.everything, in: .owned, reverse: true)
    guard backward.map(\.key) == owned.map(\.key).reversed() else {
      Verdict.fail("after recovery at \(sequence): owned entries differ from end to end")
    }
    let expectedOwned = model.keys(in: .everything, of: .owned)
    guard owned.map(\.key) == expectedOwned else {
      Verdict.fail(
        "after recovery at \(sequence): owned entries \(owned.map(\.key)), not \(expectedOwned)")
    }
    for (key, value) in owned where model.entry(Address(key, in: .owned))?.value != value {
      Verdict.fail(
        "after recovery at \(sequence): another value of the owned \(key), \(value.count) bytes")
    }
    for reverse in [false, true] {
      let found = try store.scan(.everything, reverse: reverse, limit: .max)
      let keys = reverse ? expected.reversed() : expected
      guard found.map(\.key) == keys else {
        Verdict.fail("after recovery at \(sequence): keys \(found.map(\.key)), not \(keys)")
      }
      for (key, value) in found where model.entry(Address(key))?.value != value {
        Verdict.fail("after recovery at \(sequence): another value of \(key), \(value.count) bytes")
      }
    }
    let reader = store.makeReader()
    defer { reader.close() }
    for key in expected {
      let found = try reader.sequence(of: key.rawSpan)
      guard found == model.entry(Address(key))?.sequence else {
        Verdict.fail("after recovery at \(sequence): \(key) has sequence \(found)")
      }
    }
    let count = try store.countEntries()
    guard count == model.count else {
      Verdict.fail("after recovery at \(sequence): \(count) entries are counted")
    }
  }

  // MARK: The end

  /// Two more openings must bring the same; then the store closes as it should.
  private func finish() {
    settleImage()
    for turn in 0..<2 {
      let store = open(through: [])
      world.store = store
      check(store)
      if turn == 0 {
        world.crash(.kill)
        world.store = nil
        try? store.close()
        settleImage()
      } else {
        if !world.isFaulty {
          do { try Owners.checkAtEnd(store, world.history.newest) } catch {
            Verdict.fail("looking for orphans at the end: \(error)")
          }
        }
        world.store = nil
        do { try store.close() } catch { Verdict.fail("closing at the end: \(error)") }
      }
    }
    if script.checksImages { inspect(entryCount: world.history.newest.count) }
  }
}

/// A value that threads share in turn.
///
/// Sound as `@unchecked Sendable`: one thread runs at a time.
final class Box<Value>: @unchecked Sendable {
  var value: Value

  init(_ value: Value) { self.value = value }
}
