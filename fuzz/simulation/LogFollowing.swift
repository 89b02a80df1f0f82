import Base
import KVStore

/// The named holds on the log as they should be.
///
/// Sound as `@unchecked Sendable`: one thread runs at a time.
final class HoldModel: @unchecked Sendable {
  struct Hold {
    /// A crash falls back to this position at most.
    var least: UInt64
    /// Where it was advanced to.
    var position: UInt64
  }

  var holds: [String: Hold] = [:]
  /// Holds that were being made or released when something went wrong: they may be there or not.
  var uncertain: Set<String> = []
  /// Whether a full disk, or a limit, may have cost holds.
  var mayBeLost = false
}

extension World {
  /// What a crash left of the holds, and all that they keep.
  func checkHolds(_ store: Store) throws {
    if script.heldSegmentLimit != nil { holds.mayBeLost = true }
    let found = store.retention.holds.filter { !$0.isTemporary }
    for hold in found where holds.uncertain.contains(hold.name) {
      let position = hold.position.rawValue
      holds.holds[hold.name] = HoldModel.Hold(least: position, position: position)
    }
    holds.uncertain = []
    for (name, held) in holds.holds.sorted(by: { $0.key < $1.key }) {
      guard let hold = found.first(where: { $0.name == name }) else {
        Verdict.fail("hold \(name) is gone")
      }
      if let loss = hold.loss {
        guard holds.mayBeLost else { Verdict.fail("hold \(name) was lost: \(loss)") }
        holds.holds[name] = nil
        continue
      }
      guard (held.least...held.position).contains(hold.position.rawValue) else {
        Verdict.fail("hold \(name) is at \(hold.position), not at \(held.least)…\(held.position)")
      }
      holds.holds[name]?.least = hold.position.rawValue
      holds.holds[name]?.position = hold.position.rawValue
      guard let handle = store.retention.hold(named: name) else {
        Verdict.fail("hold \(name) is listed and not found")
      }
      do {
        try follow(store.retention.cursor(of: handle), of: store)
      } catch LogError.holdLost where holds.mayBeLost {
        holds.holds[name] = nil
      }
    }
    for hold in found where hold.loss == nil && holds.holds[hold.name] == nil {
      Verdict.fail("hold \(hold.name) is there, which was released")
    }
    if !hasCrashed { holds.mayBeLost = script.heldSegmentLimit != nil }
  }

  /// Reads all that is durable, which must be exactly the batches after the cursor's position.
  func follow(_ cursor: LogCursor, of store: Store) throws {
    let synced = store.syncedPosition
    let expected = history.places(after: cursor.position.rawValue, upTo: synced)
    for place in expected {
      guard let batch = try cursor.next(wait: .zero) else {
        if hasCrashed { return }
        Verdict.fail(
          "a cursor does not show batch \(place.sequence), which ends at \(place.position)")
      }
      guard batch.sequence == place.sequence, batch.end.rawValue == place.position else {
        Verdict.fail(
          "a cursor shows batch \(batch.sequence), which ends at \(batch.end), not "
            + "\(place.sequence), which ends at \(place.position)")
      }
    }
    if let batch = try cursor.next(wait: .zero) {
      let reason = batch.end.rawValue > synced ? "no sync has covered" : "nobody has ordered"
      Verdict.fail("a cursor shows batch \(batch.sequence), which \(reason)")
    }
  }
}

extension Client {
  private static func name(_ number: Int) -> String { "hold-\(number)" }

  func holdLog(_ number: Int, fromOldest: Bool) throws {
    let name = Self.name(number)
    let holds = world.holds
    guard holds.holds[name] == nil, !holds.uncertain.contains(name) else { return }
    try translating {
      // One that was lost is still there.
      holds.uncertain.insert(name)
      if let lost = store.retention.hold(named: name) { try lost.release() }
      let hold = try store.retention.hold(from: fromOldest ? .oldest : .end, by: name)
      if world.hasCrashed { return }
      holds.uncertain.remove(name)
      holds.holds[name] = HoldModel.Hold(
        least: hold.position.rawValue, position: hold.position.rawValue)
    }
  }

  /// Advances the hold to where its cursor is.
  func advanceHold(_ number: Int) throws {
    let name = Self.name(number)
    guard let cursor = cursors[number], world.holds.holds[name] != nil else { return }
    try losing(name) {
      guard let hold = store.retention.hold(named: name) else {
        Verdict.fail("hold \(name) is not found")
      }
      // Before the call: the file may say so at once.
      world.holds.holds[name]?.position = max(hold.position, cursor.position).rawValue
      try hold.advance(to: cursor.position)
    }
  }

  func releaseHold(_ number: Int) throws {
    let name = Self.name(number)
    guard world.holds.holds[name] != nil else { return }
    cursors[number] = nil
    try translating {
      guard let hold = store.retention.hold(named: name) else {
        Verdict.fail("hold \(name) is not found")
      }
      world.holds.uncertain.insert(name)
      world.holds.holds[name] = nil
      try hold.release()
      if !world.hasCrashed { world.holds.uncertain.remove(name) }
    }
  }

  func followLog(_ number: Int?) throws {
    guard let number else { return try followWithoutHold() }
    let name = Self.name(number)
    guard world.holds.holds[name] != nil else { return }
    try losing(name) {
      if cursors[number] == nil {
        guard let hold = store.retention.hold(named: name) else {
          Verdict.fail("hold \(name) is not found")
        }
        cursors[number] = try store.retention.cursor(of: hold)
      }
      if let cursor = cursors[number] { try world.follow(cursor, of: store) }
    }
  }

  /// Such a cursor may fall behind, and must then be told.
  private func followWithoutHold() throws {
    try translating {
      do {
        let cursor = try cursors[nil] ?? store.retention.cursorWithoutHold(from: .oldest)
        cursors[nil] = cursor
        try world.follow(cursor, of: store)
      } catch LogError.notKept(let position, let oldest) {
        guard position < oldest else { throw LogError.notKept(position, oldest: oldest) }
        cursors[nil] = nil
      }
    }
  }

  /// Does something with a hold, which may turn out to be lost where that can be.
  private func losing(_ name: String, _ body: () throws -> Void) throws {
    try translating {
      do {
        try body()
      } catch LogError.holdLost where world.holds.mayBeLost {
        world.holds.holds[name] = nil
        for (number, _) in cursors where number.map(Self.name) == name { cursors[number] = nil }
      }
    }
  }

  /// Errors of the log are judged as those of the store.
  private func translating(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as LogError {
      throw StoreError(error)
    }
  }
}
