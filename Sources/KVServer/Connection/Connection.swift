/// One client's socket and what is on its way in and out.
///
/// It belongs to one event loop. While it is served, its buffers are swapped into the loop's `Call`;
/// while it is idle it owns no buffers at all.
final class Connection {
  let descriptor: Descriptor
  let session: Session
  var input = ByteBuffer()
  var decoder = RequestDecoder()
  var reply = ReplyWriter()
  var held = HeldReplies()
  var arguments: [Range<Int>] = []

  /// The length of a request that is decoded but waits: for room in the store, or for anything that `Session` names.
  var parkedByteCount: Int?
  /// Too many replies wait: no further request is carried out until they are gone.
  var isThrottled = false
  /// What it may have sent that is not carried out; beyond it, nothing more is received while replies wait.
  var inputByteLimit = Int.max
  /// It has had its share of this turn and goes on in the next.
  var isYielding = false
  /// On the loop's list of those.
  var isListedAsYielding = false
  /// Since when it waits for memory to receive more, in seconds of the monotonic clock.
  var starvedAt: Int64?
  /// What is entered for it in `ClientMemory`.
  var accountedByteCount = 0
  /// The client will send nothing more.
  var peerClosed = false
  /// Nothing more is read; the connection closes once its replies are sent.
  private(set) var isClosing = false
  /// The replies are sent and the sending side is closed; what still arrives is thrown away.
  var isLingering = false
  var wantsToWrite = false
  /// On the loop's list of connections with held replies.
  var isListedAsHeld = false
  /// On the loop's list of connections that wait for room.
  var isListedAsParked = false
  /// On the loop's list of connections that wait for another thread.
  var isListedAsWaiting = false
  /// In the loop's table of connections that have sent part of a request.
  var isListedAsIncomplete = false
  /// Since when it has sent the request of which part is there, in seconds of the monotonic clock.
  var receivingSince: Int64 = 0
  /// A request was carried out since that was noted.
  var hasRun = false
  /// In the loop's table of connections beyond the soft limit on output.
  var isListedAsSoft = false
  /// Its next request waits for room in the store.
  var isParkedForRoom = false
  /// What the poller has been asked for.
  var interest: Poller.Interest = .read

  init(descriptor: consuming Descriptor, session: Session) {
    self.descriptor = descriptor
    self.session = session
  }

  var token: UInt64 { session.id }

  var wantsToRead: Bool {
    if isLingering { return true }
    if isClosing || peerClosed || isYielding || parkedByteCount != nil || starvedAt != nil {
      return false
    }
    // Who has not logged in is owed no memory: it reads before it sends more.
    if session.needsLogin, wantsToWrite { return false }
    return !isThrottled || receivesAhead
  }

  /// The client does not read, and may be one that sends all its requests before it reads the first reply: what it
  /// sends is received, though not carried out, because otherwise each side would wait for the other.
  private var receivesAhead: Bool { wantsToWrite && input.count < inputByteLimit }

  /// What was received has been carried out as far as it is complete.
  var isIdle: Bool { parkedByteCount == nil && !isThrottled && !isYielding && starvedAt == nil }

  /// Part of a request is there, and nothing but its rest is waited for.
  var isReceiving: Bool { !input.isEmpty && !isThrottled && wantsToRead && !isLingering }

  /// What it takes of the memory for clients.
  var byteCount: Int {
    input.capacity + reply.bytes.capacity + held.byteCount + session.byteCount
      + arguments.capacity * MemoryLayout<Range<Int>>.size
  }

  /// Nothing is read or carried out from now on: what waits is dropped, as if it had not come, and only replies are
  /// still sent. The only way to set `isClosing`: a request that waited on would keep the connection open, and one
  /// that waits for room would keep all others of the queue waiting.
  func beginClosing() {
    isClosing = true
    isThrottled = false
    isYielding = false
    starvedAt = nil
    parkedByteCount = nil
    isParkedForRoom = false
    session.endWaiting()
  }

  /// Gives all its memory back.
  func releaseBuffers() {
    input = ByteBuffer()
    reply = ReplyWriter()
    held.clear()
    arguments = []
    session.cancelLongRead()
    session.endTransaction()
  }
}
