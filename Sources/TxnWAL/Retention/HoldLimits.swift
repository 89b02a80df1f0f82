import Base
import Synchronization

/// How much holds keep: the limits, what is recycled, and the figures.
extension HoldTable {
  /// Loses the holds that keep more than the limit and may be lost.
  func loseHoldsOverLimit(checkpoint: LSN, last: Int) {
    state.withLock { state in
      state.needed = neededSegment(checkpoint, last)
      for entry in state.entries
      where entry.isInForce(with: .invalidate)
        && byteCount(keptBy: entry.hold.position, state.needed) > byteLimit
      {
        entry.hold.lose(because: .overLimit)
        state.needsSaving = true
      }
    }
  }

  /// Loses the hold at the least position, if that frees segments. Returns false if none can be freed in this way:
  /// none is kept for a hold, or it is kept for one with the policy `.block`.
  func loseOldest(because loss: HoldLoss) -> Bool {
    state.withLock { state in
      let held = state.entries.filter { $0.hold.isInForce }
      guard let oldest = held.min(by: { $0.hold.position < $1.hold.position })?.hold,
        geometry.segment(of: oldest.position) < state.needed
      else { return false }
      let lost = held.filter {
        geometry.segment(of: $0.hold.position) == geometry.segment(of: oldest.position)
      }
      guard lost.allSatisfy({ $0.hold.policy == .invalidate }) else { return false }
      for entry in lost { entry.hold.lose(because: loss) }
      state.needsSaving = true
      return true
    }
  }

  /// The error of appends while a hold with the policy `.block` keeps more than the limit.
  var refusal: LogError? {
    state.withLock { state in
      for entry in state.entries where entry.isInForce(with: .block) {
        let byteCount = byteCount(keptBy: entry.durablePosition, state.needed)
        guard byteCount > byteLimit else { continue }
        return .logHeld(by: entry.hold.name, byteCount: byteCount, limit: byteLimit)
      }
      return nil
    }
  }

  // MARK: Recycling

  /// Determines what is kept from now on. Returns the first segment that is.
  func raiseKeptStart(checkpoint: LSN, last: Int) -> Int {
    state.withLock { state in
      state.needed = neededSegment(checkpoint, last)
      let ignoresHolds = DeliberateBug.recyclesHeldSegments.isOn
      let ignoresFile = DeliberateBug.recyclesBeforeSavingHolds.isOn
      let needed = state.needed
      let least = state.least(checkpoint) { entry in
        let isOverLimit = byteCount(keptBy: entry.durablePosition, needed) > byteLimit
        return ignoresFile || isOverLimit && entry.isInForce(with: .invalidate)
          ? entry.hold.position : entry.durablePosition
      }
      state.oldest = ignoresHolds ? checkpoint : least
      let first = min(geometry.segment(of: state.oldest), state.needed)
      keptStartLSN.store(geometry.firstLSN(of: first).rawValue, ordering: .sequentiallyConsistent)
      return first
    }
  }

  /// The last segment is needed even if the checkpoint is at its end: the control file names it.
  private func neededSegment(_ checkpoint: LSN, _ last: Int) -> Int {
    min(geometry.segment(of: checkpoint), last)
  }

  // MARK: Figures

  /// The bytes of segments that are kept for `position` and that the store itself does not need.
  private func byteCount(keptBy position: LSN, _ needed: Int) -> Int {
    max(0, needed - geometry.segment(of: position)) * geometry.segmentByteCount
  }

  /// All holds, in the order in which they were made.
  func summaries() -> [HoldSummary] {
    state.withLock { state in
      state.entries.map { entry in
        let hold = entry.hold
        let loss = hold.loss
        return HoldSummary(
          name: hold.name, position: hold.position,
          byteCount: hold.isInForce ? byteCount(keptBy: entry.durablePosition, state.needed) : 0,
          creationMilliseconds: hold.creationMilliseconds, policy: hold.policy,
          isTemporary: hold.isTemporary, loss: loss)
      }
    }
  }

  /// The bytes of segments that are kept for holds alone.
  var heldByteCount: Int {
    state.withLock { state in
      max(0, state.needed - geometry.segment(of: keptStart)) * geometry.segmentByteCount
    }
  }
}
