import Base

/// Decides which of the segments before the checkpoint's are kept for holds, and retires the others. Belongs to the
/// segment keeper's thread.
///
/// On a short disk holds give way: new records are worth more than what is kept for holds, and the participants need
/// space, too, without which they cannot make the log shrink. So while segments are kept for holds the free space is
/// checked from time to time, and not only when the log itself needs some.
struct SegmentRecycler {
  /// How often the free disk space is checked while segments are kept for holds.
  static let spaceCheckMilliseconds = 1000

  var old: OldSegments
  var holds: HoldKeeping
  private let segments: SegmentSet
  private var spaceCheckedAt = MonotonicTime.now

  init(segments: SegmentSet, old: OldSegments, holds: HoldKeeping) {
    self.segments = segments
    self.old = old
    self.holds = holds
  }

  /// Whether segments are kept for holds.
  var isHolding: Bool { !old.held.isEmpty }

  /// Whether it is time to call `recycle` because of the free space. A clock that went back makes it so.
  var isSpaceCheckDue: Bool {
    let age = MonotonicTime.now - spaceCheckedAt
    return isHolding && (age >= .milliseconds(Self.spaceCheckMilliseconds) || age < .zero)
  }

  /// Retires the segments that neither the store nor a hold needs. Returns whether there were any.
  mutating func recycle(at checkpoint: LSN) throws(LogError) -> Bool {
    var retiredSome = try retireUnneeded(checkpoint)
    spaceCheckedAt = MonotonicTime.now
    while isHolding, holds.isDiskShort, try retireByLosingHolds(at: checkpoint) {
      retiredSome = true
    }
    return retiredSome
  }

  /// Loses holds, the oldest first, until a segment could be retired. Returns whether one was.
  mutating func retireByLosingHolds(at checkpoint: LSN) throws(LogError) -> Bool {
    while holds.table.loseOldest(because: .diskShort) {
      if try retireUnneeded(checkpoint) { return true }
      // What is left is kept because the file of holds could not be written. No hold is to blame for that.
      if holds.saveFailure != nil { return false }
    }
    return false
  }

  private mutating func retireUnneeded(_ checkpoint: LSN) throws(LogError) -> Bool {
    let first = holds.firstKeptSegment(checkpoint: checkpoint, last: segments.lastIndex)
    let retiredSome = old.retire(before: first)
    try old.trim()
    return retiredSome
  }
}
