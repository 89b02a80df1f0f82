import KVStore

/// What a command handler works with: the request's arguments, the reply, the session, the server.
///
/// One lives as long as its event loop; the parts that belong to a connection are swapped in while
/// that connection is served, so that nothing is allocated or looked up per command.
struct Call: ~Copyable {
  /// What the event loop does after a command.
  enum Disposition {
    case next
    /// The command has to wait for room in the store: it has done nothing yet and is tried again.
    case parked
    /// The command has to wait for work on another thread, and is tried again when that has signalled.
    case waiting
    /// Nothing more is read; the connection closes once its replies are sent.
    case close
  }

  let server: ServerState
  let store: Store
  let reader: Reader
  let counters: LoopCounters
  /// For work on other threads to say that it is done; parked calls are then tried again.
  let handle: LoopHandle
  var session: Session
  var reply = ReplyWriter()
  var held = HeldReplies()
  /// The arguments of the request, the command's name among them, as ranges of its bytes.
  var arguments: [Range<Int>] = []
  var disposition = Disposition.next
  /// The command may have taken long; others are to get their turn before the next.
  var hasScanned = false
  /// Other connections wait for room in the store, and come first.
  var isRoomAwaited = false
  /// The session's flag of the same name.
  var isGated = false
  /// The index of the command under way in the table.
  var command = 0
  /// Runs this event loop's scripts.
  let lua: LuaMachine
  /// The error that is told instead of the replies where an evaluation is abandoned.
  var abandonment: [UInt8] = []
  /// Ranges of keys for calls into the store, kept for their capacity.
  var keys: [Range<Int>] = []

  init(server: ServerState, counters: LoopCounters, handle: LoopHandle, session: Session) {
    self.handle = handle
    self.server = server
    self.store = server.store
    self.reader = server.store.makeReader()
    self.counters = counters
    self.session = session
    lua = LuaMachine(
      memoryByteCount: server.options.scriptMemoryByteCount,
      timeLimitMilliseconds: server.options.scriptMilliseconds)
  }

  /// The session whose requests are carried out from now on; false if it is to be closed.
  @inline(__always)
  mutating func enter(_ session: Session) -> Bool {
    self.session = session
    var isAlive = true
    if session.gateRevision != server.gate.revision {
      isAlive = server.gate.refresh(session, server.users)
    }
    isGated = session.isGated
    return isAlive
  }

  /// After this session has changed what the gate goes by.
  mutating func refreshGate() {
    _ = server.gate.refresh(session, server.users)
    isGated = session.isGated
  }

  /// Where argument `index` stands in the request.
  @inline(__always)
  subscript(index: Int) -> Range<Int> { arguments[index] }

  var count: Int { arguments.count }

  /// Up to which sequence this connection's reads must see its own writes: 0 once they are published.
  ///
  /// The reply then stands behind the reply of the write itself, and is held with it.
  @inline(__always)
  var through: SequenceNumber {
    guard let newest = session.newest, newest.position > store.durablePosition else { return 0 }
    return newest.sequence
  }

  /// Runs `body` as one atomic batch and holds what it replies until the batch is durable.
  ///
  /// If the store has no room for `byteCount` more bytes the call is parked and nothing has happened.
  @inline(__always)
  mutating func evaluate(
    byteCount: Int, onlyDeletes: Bool = false,
    _ body: (inout Evaluation, inout Call) throws(StoreError) -> Void
  ) throws(StoreError) {
    // The request is a little larger than the batch in it, which the store itself measures.
    let room = min(byteCount, Limits.batchByteCount)
    guard !isRoomAwaited, try store.tryAdmit(byteCount: room, onlyDeletes: onlyDeletes) else {
      disposition = .parked
      return
    }
    let start = reply.count
    let receipt: Receipt
    do throws(StoreError) {
      receipt = try store.evaluate { (evaluation) throws(StoreError) in
        try body(&evaluation, &self)
      }.receipt
    } catch .abandoned {
      reply.takeBack(to: start)
      abandonment.withRawBytes { reply.error($0) }
      // The error may tell of what is not durable yet.
      receipt = try store.evaluate { _ in }.receipt
    } catch {
      throw error
    }
    session.newest = receipt
    if receipt.position > store.durablePosition {
      held.hold(from: start, until: receipt.position)
    }
  }

  /// The error for too few or too many arguments.
  mutating func wrongArity(_ name: String) {
    reply.error("ERR wrong number of arguments for '\(name)' command")
  }

  mutating func syntaxError() { reply.error("ERR syntax error") }
}
