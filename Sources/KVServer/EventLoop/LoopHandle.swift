import Base
import Net
import Synchronization

/// What other threads may do to an event loop: hand it a connection, wake it, stop it.
///
/// A wake-up costs a system call only while the loop sleeps. Before sleeping, the loop sets `isArmed` and
/// then reads `isSignalled`; a signalling thread sets `isSignalled` and then reads `isArmed`. All four
/// accesses are sequentially consistent, so at least one side sees the other's store.
final class LoopHandle: Sendable {
  struct Accepted: Sendable {
    let descriptor: Int32
    let record: ClientRecord
  }

  let event: EventDescriptor
  private let isArmed = Atomic<Bool>(false)
  private let isSignalled = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  /// Nil once the loop has stopped.
  private let inbox = Lock<[Accepted]?>([])

  /// The ids of clients to be closed.
  private let doomed = Lock<[UInt64]>([])

  init() throws(IOError) { event = try EventDescriptor() }

  func signal() {
    isSignalled.store(true, ordering: .sequentiallyConsistent)
    if isArmed.exchange(false, ordering: .sequentiallyConsistent) { event.signal() }
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    signal()
  }

  /// False if the loop has stopped and accepts nothing.
  func hand(over accepted: Accepted) -> Bool {
    let isTaken = inbox.withLock { inbox in
      inbox?.append(accepted)
      return inbox != nil
    }
    signal()
    return isTaken
  }

  /// The loop calls this before it sleeps; false if there is work to do instead.
  func arm() -> Bool {
    isArmed.store(true, ordering: .sequentiallyConsistent)
    guard isSignalled.load(ordering: .sequentiallyConsistent) else { return true }
    isArmed.store(false, ordering: .sequentiallyConsistent)
    return false
  }

  func disarm() { isArmed.store(false, ordering: .sequentiallyConsistent) }

  /// Whether the loop was signalled since the last call.
  func takeSignal() -> Bool {
    isSignalled.load(ordering: .relaxed)
      && isSignalled.exchange(false, ordering: .sequentiallyConsistent)
  }

  func takeInbox() -> [Accepted] {
    inbox.withLock { inbox in
      guard let accepted = inbox, !accepted.isEmpty else { return [] }
      inbox = []
      return accepted
    }
  }

  /// Makes the loop close those of these clients that it serves.
  func close(_ ids: [UInt64]) {
    doomed.withLock { $0 += ids }
    signal()
  }

  func takePendingKills() -> [UInt64] {
    doomed.withLock { doomed in
      defer { doomed = [] }
      return doomed
    }
  }

  /// Takes what is left in the inbox and closes it: `hand` returns false from then on.
  func closeInbox() -> [Accepted] {
    inbox.withLock { inbox in
      defer { inbox = nil }
      return inbox ?? []
    }
  }

  var shouldStop: Bool { isStopping.load(ordering: .relaxed) }
}
