import Base
import Testing

@testable import TxnWAL

/// Random writers, cursors, holds, recycling, crashes and reopenings against a model that knows every batch: a cursor
/// shows each durable batch once, whole and in order from its position on; and whatever a hold that was durable before
/// a crash keeps, it keeps after it.
@Suite struct RandomCursorTests {
  /// What is known of the log: the batches that are certainly committed or may be, in order.
  private struct Model {
    var batches: [SeenBatch] = []
    /// How many of them are durable.
    var durableCount = 0
    /// The named holds: the position that the file certainly knows, at least, and the one their owner advanced them to.
    var holds: [String: (least: LSN, position: LSN)] = [:]
    /// Holds whose making or release was under way when the power was cut.
    var uncertain: Set<String> = []
  }

  /// A cursor, and how much of the model it has shown.
  private final class Follower {
    let cursor: LogCursor
    let holdName: String?
    var position: LSN

    init(_ cursor: LogCursor, holdName: String?) {
      self.cursor = cursor
      self.holdName = holdName
      position = cursor.position
    }
  }

  private struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// One opening of the log, until the power is cut.
  private struct Life {
    let log: TestLog
    var model: Model
    var generator: SeededGenerator
    var followers: [Follower] = []

    mutating func chance(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }

    mutating func parts() -> [Part] {
      (0..<3).shuffled(using: &generator).prefix(1 + chance(3)).sorted().map { participant in
        let length = chance(20) == 0 ? 4000 + chance(9000) : chance(400)
        return Part(participant, generator.bytes(length))
      }
    }

    mutating func noteDurable() {
      let durable = log.watermarks.durable
      while model.durableCount < model.batches.count,
        model.batches[model.durableCount].end <= durable
      {
        model.durableCount += 1
      }
    }

    /// One step. An error of the log ends the life, as the power cut that caused it does.
    mutating func step() throws {
      switch chance(24) {
      case 0...7:
        let parts = parts()
        let position = try log.append(parts)
        model.batches.append(
          SeenBatch(sequence: position.sequence, end: position.end, parts: parts))
      case 8:
        let refuser = chance(3)
        log.participants[refuser].refuse(Refusal(code: 1, detail: 1))
        defer { log.participants[refuser].refuse(nil) }
        _ = try? log.append([Part((refuser + 1) % 3, "no"), Part(refuser, "no")])
      case 9, 10: log.coordinator.requestSync()
      case 11, 12:
        try log.coordinator.waitUntilDurable(log.coordinator.appended)
        noteDurable()
      case 13: log.participants[chance(3)].apply(upTo: log.watermarks.durable, limit: chance(8))
      case 14, 15:
        log.apply()
        try log.coordinator.checkpoint(waiting: chance(2) == 0)
      case 16: try makeHold()
      case 17: try advanceHold()
      case 18: try releaseHold()
      case 19: try makeFollower()
      case 20 where !followers.isEmpty: followers.remove(at: chance(followers.count))
      default:
        guard !followers.isEmpty else { return }
        try follow(followers[chance(followers.count)], limit: chance(12))
      }
    }

    // MARK: Holds

    private mutating func makeHold() throws {
      let name = "h\(chance(4))"
      guard model.holds[name] == nil, !model.uncertain.contains(name) else { return }
      model.uncertain.insert(name)
      let hold = try log.retention.hold(
        from: chance(2) == 0 ? .end : .oldest, by: name, policy: .invalidate)
      model.uncertain.remove(name)
      model.holds[name] = (hold.position, hold.position)
    }

    private mutating func advanceHold() throws {
      guard let (name, held) = model.holds.randomElement(using: &generator) else { return }
      noteDurable()
      let later = model.batches[..<model.durableCount].map(\.end).filter { $0 > held.position }
      guard let target = later.prefix(1 + chance(10)).last else { return }
      guard let hold = log.retention.hold(named: name) else {
        throw Failure(description: "hold \(name) is gone")
      }
      // Cursors of the hold may not be left behind.
      for follower in followers where follower.holdName == name && follower.position < target {
        try follow(follower, limit: .max)
      }
      try hold.advance(to: target)
      model.holds[name]?.position = target
    }

    private mutating func releaseHold() throws {
      guard chance(2) == 0, let (name, held) = model.holds.randomElement(using: &generator) else {
        return
      }
      followers.removeAll { $0.holdName == name }
      model.holds[name] = nil
      model.uncertain.insert(name)
      guard let hold = log.retention.hold(named: name), hold.position >= held.least else {
        throw Failure(description: "hold \(name) is gone, or went back")
      }
      try hold.release()
      model.uncertain.remove(name)
    }

    // MARK: Cursors

    private mutating func makeFollower() throws {
      guard followers.count < 4 else { return }
      switch chance(4) {
      case 0: followers.append(Follower(try log.retention.cursor(from: .oldest), holdName: nil))
      case 1: followers.append(Follower(try log.retention.cursor(from: .end), holdName: nil))
      case 2:
        // After some durable batch, which may be gone.
        noteDurable()
        guard let batch = model.batches[..<model.durableCount].randomElement(using: &generator)
        else { return }
        do throws(LogError) {
          let cursor = try log.retention.cursor(from: .at(batch.end))
          followers.append(Follower(cursor, holdName: nil))
        } catch .notKept {
          if batch.end >= log.retention.oldest {
            throw Failure(description: "LSN \(batch.end) is kept and is said to be gone")
          }
        } catch {
          throw error
        }
      default:
        guard let name = model.holds.keys.sorted().randomElement(using: &generator) else { return }
        guard let hold = log.retention.hold(named: name) else {
          throw Failure(description: "hold \(name) is gone")
        }
        followers.append(Follower(try log.retention.cursor(of: hold), holdName: name))
      }
    }

    /// Reads up to `limit` batches, and compares each with the next one of the model.
    mutating func follow(_ follower: Follower, limit: Int) throws {
      var index = model.batches.firstIndex { $0.end > follower.position } ?? model.batches.count
      for _ in 0..<limit {
        let durable = log.watermarks.durable
        guard let batch = try follower.cursor.next(wait: .zero) else {
          if index < model.batches.count, model.batches[index].end <= durable {
            throw Failure(description: "a cursor misses \(model.batches[index])")
          }
          return
        }
        guard index < model.batches.count, batch.seen == model.batches[index] else {
          throw Failure(
            description: "a cursor shows \(batch.seen) after LSN \(follower.position), not "
              + (index < model.batches.count ? "\(model.batches[index])" : "nothing"))
        }
        guard batch.end <= log.watermarks.durable else {
          throw Failure(description: "a cursor shows \(batch.seen), which is not durable")
        }
        follower.position = batch.end
        index += 1
      }
    }

    // MARK: Openings

    /// The log was opened on what a crash left of `before`.
    mutating func checkOpening() throws {
      let end = log.report.end
      let survivors = model.batches.prefix { $0.end <= end }
      guard survivors.count >= model.durableCount else {
        throw Failure(
          description: "\(survivors.count) of \(model.durableCount) durable batches are there")
      }
      model.batches = Array(survivors)
      model.durableCount = survivors.count
      let found = log.retention.holds
      for name in model.uncertain {
        if let hold = found.first(where: { $0.name == name }) {
          model.holds[name] = (hold.position, hold.position)
        }
      }
      model.uncertain = []
      guard Set(found.map(\.name)) == Set(model.holds.keys) else {
        throw Failure(description: "holds \(found) are there, not \(model.holds.keys.sorted())")
      }
      for hold in found {
        let known = model.holds[hold.name]!
        guard hold.loss == nil, hold.position >= known.least,
          hold.position <= max(known.position, known.least)
        else {
          throw Failure(description: "\(hold), not from \(known.least) to \(known.position)")
        }
        model.holds[hold.name] = (hold.position, hold.position)
        // Everything from there on is there.
        let follower = Follower(
          try log.retention.cursor(of: log.retention.hold(named: hold.name)!),
          holdName: hold.name)
        try follow(follower, limit: .max)
      }
    }
  }

  @Test(arguments: Durability.allCases)
  func `whatever happens, cursors show what is durable, and holds keep it`(durability: Durability)
    throws
  {
    let seed = SeededGenerator.seedOfRun()
    print("random cursors with KVD_SEED=\(seed)")
    var generator = SeededGenerator(seed)
    for run in 0..<25 {
      var device = MemoryDevice()
      var storages = TestLog.storages()
      var model = Model()
      for life in 0..<8 {
        let comment: Comment = "KVD_SEED=\(seed), run \(run), life \(life)"
        do {
          let log = try TestLog.open(on: device, storages: storages, durability: durability)
          var current = Life(
            log: log, model: model, generator: SeededGenerator(generator.next()))
          defer { log.abandon() }
          try current.checkOpening()
          device.cutPower(after: Int.random(in: 0...400, using: &generator))
          do {
            for _ in 0..<200 { try current.step() }
          } catch is LogError {
            // The power is cut.
          }
          current.noteDurable()
          device.cutPower()
          model = current.model
          let crash = Crash.allCases.randomElement(using: &generator)!
          device = device.image(crash, seed: generator.next())
          storages = log.storageImages()
          // Now and then recovery itself is cut short.
          if Bool.random(using: &generator) {
            device.cutPower(after: Int.random(in: 0...12, using: &generator))
            (try? TestLog.open(on: device, storages: storages.copies))?.abandon()
            device = device.image(crash, seed: generator.next())
          }
        } catch {
          Issue.record("\(comment): \(error)")
          return
        }
      }
    }
  }
}
