import Base
import Synchronization

/// The holds on a log, and the segments that are kept for them.
///
/// Two positions matter for each named hold: the one its owner has advanced it to, and the one in the file, which may
/// be older. A crash falls back to the older one. So segments are kept from there on, until the file says otherwise.
/// If the file cannot be written and the older position keeps more than the limit, only the newer one counts: the log
/// is bounded in any case, and after a crash the hold is then lost. (One that blocks appends does that instead.)
///
/// `keptStart` is raised before any segment before it is touched. A reader that has found bytes that it did not expect
/// can therefore tell, by looking at it afterwards, whether they were those of a recycled segment.
final class HoldTable: Sendable {
  struct Entry {
    let hold: HeldPosition
    /// The position in the file. For a temporary hold, unused.
    var stored: LSN
    /// Whether the hold is about to be removed from the file.
    var isLeaving = false

    /// Where the log must be kept from, so that the hold survives a crash.
    var durablePosition: LSN { hold.isTemporary ? hold.position : stored }

    func isInForce(with policy: HoldPolicy) -> Bool { hold.isInForce && hold.policy == policy }
  }

  struct State {
    var entries: [Entry] = []
    /// The least position that is known to be a beginning of a batch and can be read.
    var oldest: LSN
    /// The first segment that the store itself needs.
    var needed: Int
    /// Whether the file must be written although no hold has moved: it lacks a loss, the last attempt failed, or a
    /// change was taken back that may be in it.
    var needsSaving = false

    /// The least position of the holds in force, and of the checkpoint.
    func least(_ checkpoint: LSN, _ position: (Entry) -> LSN) -> LSN {
      entries.reduce(checkpoint) { least, entry in
        entry.hold.isInForce ? min(least, position(entry)) : least
      }
    }
  }

  let geometry: LogGeometry
  /// The most bytes of segments that a hold may keep.
  let byteLimit: Int
  let state: Lock<State>
  let keptStartLSN: Atomic<UInt64>

  /// - Parameters:
  ///   - needed: the first segment that the store itself needs.
  ///   - kept: the first segment that exists of those that holds need; `needed` if they need none.
  ///   - end: where the log ends. A hold after it is lost.
  init(
    _ stored: [StoredHold], geometry: LogGeometry, checkpoint: LSN, needed: Int, kept: Int,
    end: LSN, byteLimit: Int
  ) {
    self.geometry = geometry
    self.byteLimit = byteLimit
    var state = State(oldest: checkpoint, needed: needed)
    for hold in stored {
      var loss = hold.loss
      if loss == nil, geometry.segment(of: hold.position) < kept { loss = .segmentMissing }
      if loss == nil, hold.position > end { loss = .logShorter }
      if loss != hold.loss { state.needsSaving = true }
      state.entries.append(
        Entry(
          hold: HeldPosition(
            name: hold.name, isTemporary: false, policy: hold.policy, position: hold.position,
            creationMilliseconds: hold.creationMilliseconds, loss: loss),
          stored: hold.position))
      if loss == nil { state.oldest = min(state.oldest, hold.position) }
    }
    self.state = Lock(state)
    keptStartLSN = Atomic(geometry.firstLSN(of: kept).rawValue)
  }

  // MARK: What is kept

  /// The segments from this position on are kept.
  var keptStart: LSN { LSN(rawValue: keptStartLSN.load(ordering: .acquiring)) }

  /// The oldest position from which the log can certainly be read.
  var oldest: LSN { state.withLock { $0.oldest } }

  func isKept(_ lsn: LSN) -> Bool { lsn >= keptStart }

  // MARK: Changes by owners

  /// Adds a hold from `start` on. From then on the keeper keeps what it needs.
  ///
  /// - Parameter durable: how far the log is durable. Called with the lock held, so the checkpoint does not pass it.
  func add(
    _ name: String, from start: LogStart, isTemporary: Bool, policy: HoldPolicy,
    durable: () -> LSN
  ) throws(LogError) -> HeldPosition {
    try HoldName.check(name)
    return try state.withLock { state throws(LogError) in
      func refusal(_ reason: String) -> LogError { .invalidHold(name: name, because: reason) }
      if !isTemporary {
        let named = state.entries.filter { !$0.hold.isTemporary }
        guard !named.contains(where: { $0.hold.name == name }) else {
          throw refusal("a hold of that name exists")
        }
        guard named.count < HoldsFile.holdLimit else {
          throw refusal("there are \(named.count) holds already, as many as there can be")
        }
      }
      let position =
        switch start {
        case .oldest: state.oldest
        case .end: durable()
        case .at(let lsn): lsn
        }
      guard isKept(position) else { throw LogError.notKept(position, oldest: state.oldest) }
      guard position <= durable() else { throw LogError.notABatch(position) }
      let hold = HeldPosition(
        name: name, isTemporary: isTemporary, policy: policy, position: position,
        creationMilliseconds: SystemClock.millisecondsSince1970())
      state.entries.append(Entry(hold: hold, stored: position))
      return hold
    }
  }

  /// Removes a hold.
  ///
  /// - Parameter mayBeInFile: whether the file has to be written again.
  func remove(_ hold: HeldPosition, mayBeInFile: Bool) {
    hold.release()
    state.withLock { state in
      state.entries.removeAll { $0.hold === hold }
      if mayBeInFile { state.needsSaving = true }
    }
  }

  /// Leaves the hold out of the file the next time it is written, or takes that back.
  func setLeaving(_ hold: HeldPosition, _ isLeaving: Bool) {
    state.withLock { state in
      if !isLeaving { state.needsSaving = true }
      for index in state.entries.indices where state.entries[index].hold === hold {
        state.entries[index].isLeaving = isLeaving
      }
    }
  }

  /// The named hold, lost ones included.
  func find(_ name: String) -> HeldPosition? {
    state.withLock { state in
      state.entries.first { !$0.hold.isTemporary && $0.hold.name == name }?.hold
    }
  }

  // MARK: The file

  /// What the file should say now, each with the hold it is about.
  func snapshot() -> [(hold: HeldPosition, stored: StoredHold)] {
    state.withLock { state in
      // Cleared before the losses are read, so that none is missed.
      state.needsSaving = false
      return state.entries.filter { !$0.hold.isTemporary && !$0.isLeaving }.map { entry in
        let hold = entry.hold
        return (
          hold,
          StoredHold(
            name: hold.name, position: hold.position,
            creationMilliseconds: hold.creationMilliseconds, policy: hold.policy, loss: hold.loss)
        )
      }
    }
  }

  /// The file durably says this.
  func saved(_ snapshot: [(hold: HeldPosition, stored: StoredHold)]) {
    state.withLock { state in
      for index in state.entries.indices {
        let hold = state.entries[index].hold
        guard let saved = snapshot.first(where: { $0.hold === hold }) else { continue }
        state.entries[index].stored = saved.stored.position
      }
    }
  }

  /// The file may say this, or what it said before.
  func saveFailed() { state.withLock { $0.needsSaving = true } }

  /// Whether writing the file now would free segments, or record a loss.
  func isWorthSaving(checkpoint: LSN) -> Bool {
    state.withLock { state in
      if state.needsSaving { return true }
      let now = state.least(checkpoint) { $0.durablePosition }
      let then = state.least(checkpoint) { $0.hold.position }
      return geometry.segment(of: then) > geometry.segment(of: now)
    }
  }

  /// Whether the file says what it would say if it were written now.
  var isSaved: Bool {
    state.withLock { state in
      !state.needsSaving
        && state.entries.allSatisfy { $0.hold.isTemporary || $0.stored == $0.hold.position }
    }
  }
}
