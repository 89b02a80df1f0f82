import Base

/// The exclusive right to write to the log, and the threads that sleep while another thread holds it.
///
/// Threads sleep in two groups. Those whose bytes are being written are woken together when that group is done. Of
/// those whose bytes are gathering for the next group, one is woken to write it. If all were woken each time, most
/// would find that their own bytes are in the next group.
///
/// No wake-up is lost:
///
/// - A thread goes to sleep only if it finds the role taken, under the lock. The role is released under the same
///   lock, together with reading the groups of sleepers. So every sleeper is seen.
/// - All sleepers whose group was written are woken. One of the others is called. It takes the role, or finds
///   it taken, or finds its position acknowledged by another holder of the role. In each case some thread
///   releases the role after that call, and calls again. If a called thread finds nothing left to wait for,
///   `wakeAll` wakes the others.
/// - Calls and group completions are remembered until noticed. So it does not matter whether the sleeper
///   already sleeps, or whether another thread consumes a call made after its own.
final class WriterRole: Sendable {
  private struct State {
    var isTaken = false
    /// Threads whose bytes are gathering, or that only want the role.
    var gathering: GroupWaiters?
    /// Threads whose bytes are being written, and the LSN where these bytes end.
    var writing: GroupWaiters?
    var writtenEnd = LSN.zero
  }

  private let state = Lock(State())

  func tryTake() -> Bool {
    state.withLock { state in
      defer { state.isTaken = true }
      return !state.isTaken
    }
  }

  /// Waits until the role is free, and takes it.
  func take() {
    while !tryTake() { sleep(until: nil) { false } }
  }

  /// Called while holding the role: everything up to `end` is about to be written.
  func tookGroup(upTo end: LSN) {
    state.withLock { state in
      state.writing = state.gathering
      state.gathering = nil
      state.writtenEnd = end
    }
  }

  /// Releases the role. Wakes all threads whose group is done, and one to write the next group.
  func giveUp() {
    let (done, next) = state.withLock { state in
      defer { state.writing = nil }
      state.isTaken = false
      return (state.writing, state.gathering)
    }
    done?.finish()
    next?.callOne()
  }

  /// Wakes all threads, because what they wait for will not come.
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

  /// Sleeps while the role is taken and the bytes before `lsn` are not written. May return early.
  ///
  /// - Parameter isOver: called under the lock; returns whether there is nothing left to wait for. Code that makes
  ///   it true must call `wakeAll` afterwards.
  func sleep(until lsn: LSN?, unless isOver: () -> Bool) {
    let sleepers: GroupWaiters? = state.withLock { state in
      guard state.isTaken, !isOver() else { return nil }
      if let lsn, lsn <= state.writtenEnd {
        let sleepers = state.writing ?? GroupWaiters()
        state.writing = sleepers
        return sleepers
      }
      let sleepers = state.gathering ?? GroupWaiters()
      state.gathering = sleepers
      return sleepers
    }
    sleepers?.sleep()
  }
}
