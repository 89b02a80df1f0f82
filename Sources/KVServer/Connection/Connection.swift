import Net

/// One client's socket with its buffered input and output.
///
/// It belongs to one event loop. While it is served, its buffers are swapped into the loop's `Call`; while
/// it is idle it owns no buffers.
final class Connection {
  let descriptor: Descriptor
  let session: Session
  var input = ByteBuffer()
  var decoder = RequestDecoder()
  var reply = ReplyWriter()
  var held = HeldReplies()
  var arguments: [Range<Int>] = []

  /// The length of a decoded request that waits: for room in the store, or for anything that `Session`
  /// names.
  var parkedByteCount: Int?
  /// Too many replies are pending: no further request runs until they are sent.
  var isThrottled = false
  /// The most input it may have buffered. Beyond it, nothing more is received while replies are pending.
  var inputByteLimit = Int.max
  /// It has used up its share of this turn and continues in the next.
  var isYielding = false
  /// On the loop's list of yielding connections.
  var isListedAsYielding = false
  /// Since when it waits for memory to receive more, in seconds of the monotonic clock.
  var awaitingMemorySince: Int64?
  /// The bytes accounted to it in `BufferMemory`.
  var accountedByteCount = 0
  /// The client has closed its sending side.
  var peerClosed = false
  /// Nothing more is read; the connection closes once its replies are sent.
  private(set) var isClosing = false
  /// The replies are sent and the sending side is closed; further input is discarded.
  var isLingering = false
  var wantsToWrite = false
  /// On the loop's list of connections with held replies.
  var isListedAsHeld = false
  /// On the loop's list of connections that wait for room in the store.
  var isListedAsParked = false
  /// On the loop's list of connections that wait for another thread.
  var isListedAsWaiting = false
  /// On the loop's list of connections that have sent part of a request.
  var isListedAsIncomplete = false
  /// When the request that is partly received began, in seconds of the monotonic clock.
  var receivingSince: Int64 = 0
  /// A request has run since `receivingSince` was last updated.
  var hasRun = false
  /// On the loop's list of connections that exceed the soft output limit.
  var isListedAsSoft = false
  /// Its next request waits for room in the store.
  var isParkedForRoom = false
  /// The events registered with the poller.
  var interest: Poller.Interest = .read

  init(descriptor: consuming Descriptor, session: Session) {
    self.descriptor = descriptor
    self.session = session
  }

  var token: UInt64 { session.id }

  var wantsToRead: Bool {
    if isLingering { return true }
    if isClosing || peerClosed || isYielding || parkedByteCount != nil || awaitingMemorySince != nil
    {
      return false
    }
    // A client that has not logged in must read its replies before it may send more.
    if session.needsLogin, wantsToWrite { return false }
    return !isThrottled || receivesAhead
  }

  /// The client does not read; it may be one that sends all its requests before it reads the first reply.
  /// Its input is received, but not run: otherwise each side would wait for the other.
  private var receivesAhead: Bool { wantsToWrite && input.count < inputByteLimit }

  /// Every complete request received has run.
  var isIdle: Bool {
    parkedByteCount == nil && !isThrottled && !isYielding && awaitingMemorySince == nil
  }

  /// Part of a request is buffered, and only its rest is waited for.
  var isReceiving: Bool { !input.isEmpty && !isThrottled && wantsToRead && !isLingering }

  /// The client memory it uses, in bytes.
  var byteCount: Int {
    input.capacity + reply.bytes.capacity + held.byteCount + session.byteCount
      + arguments.capacity * MemoryLayout<Range<Int>>.size
  }

  /// Stops reading and running requests: those that wait are dropped as if never received, and only replies
  /// are still sent. The only way to set `isClosing`: a request that kept waiting would keep the connection
  /// open, and one that waits for room would block the queue behind it.
  func beginClosing() {
    isClosing = true
    isThrottled = false
    isYielding = false
    awaitingMemorySince = nil
    parkedByteCount = nil
    isParkedForRoom = false
    session.endWaiting()
  }

  /// Frees all its memory.
  func releaseBuffers() {
    input = ByteBuffer()
    reply = ReplyWriter()
    held.clear()
    arguments = []
    session.cancelLongRead()
    session.endTransaction()
  }
}
