import Base

/// Where an event loop gets the connections that another one has accepted for it.
public final class Mailbox<Peer: Sendable>: Sendable {
  struct Accepted: Sendable {
    let descriptor: Int32
    let peer: Peer
  }

  public let handle: LoopHandle
  /// Nil once the loop has stopped.
  private let inbox = Lock<[Accepted]?>([])

  public init(_ handle: LoopHandle) { self.handle = handle }

  /// Hands over a connection. False if the loop has stopped and takes none; the caller still owns it then.
  func hand(over accepted: Accepted) -> Bool {
    let isTaken = inbox.withLock { inbox in
      inbox?.append(accepted)
      return inbox != nil
    }
    handle.signal(.mail)
    return isTaken
  }

  func take() -> [Accepted] {
    inbox.withLock { inbox in
      guard let accepted = inbox, !accepted.isEmpty else { return [] }
      inbox = []
      return accepted
    }
  }

  /// Takes what is left: `hand` returns false from then on.
  func close() -> [Accepted] {
    inbox.withLock { inbox in
      defer { inbox = nil }
      return inbox ?? []
    }
  }
}
