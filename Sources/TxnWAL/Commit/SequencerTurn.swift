import Base

/// The sequencer and the lock that gives it to one thread at a time.
///
/// Sound as `@unchecked Sendable`: `sequencer` is accessed only with the lock held and cannot escape: it is
/// noncopyable, and a caller that has it `inout` must give it back.
final class SequencerTurn: @unchecked Sendable {
  /// Stops spinning after a few tries: when the machine is oversubscribed, the holder is usually descheduled, and
  /// spinning without a limit cost 25 % CPU.
  private let mutex = PlatformMutex(spinsBriefly: true)
  /// The thread that holds the lock.
  private let owner = LockOwner()
  private var sequencer: Sequencer

  init(_ sequencer: consuming Sequencer) {
    self.sequencer = sequencer
  }

  /// Whether the calling thread holds the sequencer.
  var isThisThread: Bool { owner.isThisThread }

  /// Traps if the calling thread holds the sequencer: it is about to wait, and would wait for itself forever.
  func requireOutside() {
    if isThisThread {
      fatalError(
        "deadlock: a store was written to, synced or waited for inside one of its own evaluations")
    }
  }

  /// Runs `body` with the sequencer. A transaction that it leaves open is cancelled.
  func take<R, E: Error>(_ body: (inout Sequencer) throws(E) -> R) throws(E) -> R {
    mutex.lock()
    owner.take()
    defer {
      // A partial record in the buffer would end the log for a reader.
      sequencer.endTransaction()
      owner.giveUp()
      mutex.unlock()
    }
    return try body(&sequencer)
  }
}
