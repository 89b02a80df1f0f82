import Base

/// The sequencer, and the lock under which threads have it in turn.
///
/// Sound as `@unchecked Sendable`: `sequencer` is reached only with the lock held, and does not get out of it: it
/// cannot be copied, and whoever has it `inout` must give it back.
final class SequencerTurn: @unchecked Sendable {
  /// Gives up spinning after a few tries: when the machine is oversubscribed the holder is usually
  /// descheduled, and a lock that always spun cost 25 % CPU.
  private let mutex = PlatformMutex(spinsBriefly: true)
  /// The thread that holds it.
  private let owner = ThreadOwner()
  private var sequencer: Sequencer

  init(_ sequencer: consuming Sequencer) {
    self.sequencer = sequencer
  }

  /// Whether the caller's thread has it.
  var isThisThread: Bool { owner.isThisThread }

  /// Runs `body` with the sequencer; a transaction that it leaves open is cancelled.
  func take<R, E: Error>(_ body: (inout Sequencer) throws(E) -> R) throws(E) -> R {
    mutex.lock()
    owner.take()
    defer {
      // Half a record in the buffer would end the log for whoever reads it.
      sequencer.endTransaction()
      owner.giveUp()
      mutex.unlock()
    }
    return try body(&sequencer)
  }
}
