import KVStore
import Net

/// What requests wait for.
extension RESPFrontEnd {
  /// The events that may end the wait of several connections at once.
  enum Event {
    /// The gate's revision has changed: a pause or a reload is over, or a user's rights are others.
    static let gate = 0
    /// The store has carried out range deletes.
    static let rangeDeletes = 1
    static let checkpoint = 2
    static let reload = 3
    /// Not waited for: there are lines for monitors.
    static let feed = 4
  }

  /// The state of a connection whose request has to wait.
  func waitState(of session: Session) -> ConnectionState {
    if session.isPaused { return .parked(.event(Event.gate)) }
    if session.awaitsRangeDeletes { return .parked(.event(Event.rangeDeletes)) }
    // A large reply waits until those before it are sent.
    if let read = session.longRead { return .parked(read.isDone ? .emptyOutput : .completion) }
    if let task = session.sideTicket { return task.isDone ? .yielding : .parked(.completion) }
    if session.checkpoint != nil { return .parked(.event(Event.checkpoint)) }
    if session.reloadsBefore != nil { return .parked(.event(Event.reload)) }
    if let time = session.waitsUntil { return .parked(.time(time)) }
    // It only lets others go first.
    return .yielding
  }

  func didReceive(_ causes: WakeCauses, on loop: ClientLoop) {
    refreshOptions(of: loop)
    if loop.hasWaiting(for: Event.rangeDeletes), !store.hasRangeDeleteBacklog {
      loop.resumeWaiting(for: Event.rangeDeletes)
    }
    if causes.contains(.event(Event.checkpoint)) { loop.resumeWaiting(for: Event.checkpoint) }
    if causes.contains(.event(Event.feed)) { deliverFeeds(on: loop) }
    if gateRevision != server.gate.revision {
      gateRevision = server.gate.revision
      loop.resumeWaiting(for: Event.gate)
    }
  }

  func millisecondsUntilDue(on loop: ClientLoop) -> Int64? {
    guard loop.hasWaiting(for: Event.gate), let left = server.gate.pauseMillisecondsLeft else {
      return nil
    }
    return max(left, 1)
  }

  var othersWaitForRoom: Bool {
    get { call.hasParkedConnections }
    set { call.hasParkedConnections = newValue }
  }

  func mayHaveRoom(for connection: Client) -> Bool {
    connection.context.session.shouldRetryParked(in: store)
  }
}
