import Base
import Synchronization

/// What other threads may do to an event loop: hand it a connection, wake it, stop it.
///
/// The wake-up costs a system call only while the loop sleeps. Before sleeping the loop sets
/// `isArmed` and then looks at `isSignalled`; whoever signals sets `isSignalled` and then looks at
/// `isArmed`. With both in one total order at least one of them sees the other.
final class LoopHandle: Sendable {
  struct Accepted: Sendable {
    let descriptor: Int32
    let record: ClientRecord
  }

  let event: EventDescriptor
  private let isArmed = Atomic<Bool>(false)
  private let isSignalled = Atomic<Bool>(false)
  private let isStopping = Atomic<Bool>(false)
  /// Nil once the loop has ended.
  private let inbox = Lock<[Accepted]?>([])

  /// The ids of clients that are to be closed.
  private let doomed = Lock<[UInt64]>([])

  init() throws(System.Failure) { event = try EventDescriptor() }

  func signal() {
    isSignalled.store(true, ordering: .sequentiallyConsistent)
    if isArmed.exchange(false, ordering: .sequentiallyConsistent) { event.signal() }
  }

  func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    signal()
  }

  /// False if the loop has ended and takes nothing any more.
  func hand(over accepted: Accepted) -> Bool {
    let isTaken = inbox.withLock { inbox in
      inbox?.append(accepted)
      return inbox != nil
    }
    signal()
    return isTaken
  }

  /// To be called by the loop before it sleeps; false if there is something to do instead.
  func arm() -> Bool {
    isArmed.store(true, ordering: .sequentiallyConsistent)
    guard isSignalled.load(ordering: .sequentiallyConsistent) else { return true }
    isArmed.store(false, ordering: .sequentiallyConsistent)
    return false
  }

  func disarm() { isArmed.store(false, ordering: .sequentiallyConsistent) }

  /// Whether somebody has signalled since the last time.
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

  /// Has the loop close these clients, as far as they are its own.
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

  /// The last take.
  func closeInbox() -> [Accepted] {
    inbox.withLock { inbox in
      defer { inbox = nil }
      return inbox ?? []
    }
  }

  var shouldStop: Bool { isStopping.load(ordering: .relaxed) }
}
