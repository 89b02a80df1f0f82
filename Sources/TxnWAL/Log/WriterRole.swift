import Base

/// The right to write to the log, which one thread has at a time, and the threads that sleep meanwhile.
///
/// They sleep by groups: those whose bytes are being written, who are woken together when the group is
/// done, and those whose bytes gather for the next, of whom one is woken to write it. Were all woken
/// each time, most would wake up only to find that their own bytes are in the next group.
///
/// No wake-up is lost:
///
/// - A thread goes to sleep only while the role is taken, which it looks for under the lock. The role is
///   given up under the same lock, together with the look for sleepers. So each of them is seen.
/// - Those whose group was written are all woken. Of the others one is called, who takes the role; or finds
///   it taken; or finds its position acknowledged, which somebody with the role has done since. In each
///   case somebody gives the role up after that call, and calls again. Where a call finds that there is
///   nothing to wait for any more, `wakeAll` sees to the others.
/// - A call and the end of a group stay until they are noticed: it does not matter whether the sleeper
///   sleeps already, nor whether another takes the call that came after it.
final class WriterRole: Sendable {
  private struct State {
    var isTaken = false
    /// Those whose bytes gather, or who want the role alone.
    var gathering: GroupSleepers?
    /// Those whose bytes are being written, and where these bytes end.
    var writing: GroupSleepers?
    var writtenEnd = LSN.zero
  }

  private let state = Lock(State())

  func tryTake() -> Bool {
    state.withLock { state in
      defer { state.isTaken = true }
      return !state.isTaken
    }
  }

  /// Takes the role as soon as nobody has it.
  func take() {
    while !tryTake() { sleep(until: nil) { false } }
  }

  /// Called with the role: everything up to `end` is going to be written now.
  func tookGroup(upTo end: LSN) {
    state.withLock { state in
      state.writing = state.gathering
      state.gathering = nil
      state.writtenEnd = end
    }
  }

  /// Wakes those whose group is done, and one to write the next.
  func giveUp() {
    let (done, next) = state.withLock { state in
      defer { state.writing = nil }
      state.isTaken = false
      return (state.writing, state.gathering)
    }
    done?.finish()
    next?.callOne()
  }

  /// Wakes all, because none may go on as it hoped to.
  func wakeAll() {
    let (writing, gathering) = state.withLock { state in
      defer {
        state.writing = nil
        state.gathering = nil
      }
      return (state.writing, state.gathering)
    }
    writing?.finish()
    gathering?.finish()
  }

  /// Sleeps while the role is taken and what stands before `lsn` not written; may return early.
  ///
  /// - Parameter isOver: asked under the lock, whether there is nothing to wait for any more. Whoever
  ///   makes it so calls `wakeAll` afterwards.
  func sleep(until lsn: LSN?, unless isOver: () -> Bool) {
    let sleepers: GroupSleepers? = state.withLock { state in
      guard state.isTaken, !isOver() else { return nil }
      if let lsn, lsn <= state.writtenEnd {
        let sleepers = state.writing ?? GroupSleepers()
        state.writing = sleepers
        return sleepers
      }
      let sleepers = state.gathering ?? GroupSleepers()
      state.gathering = sleepers
      return sleepers
    }
    sleepers?.sleep()
  }
}
