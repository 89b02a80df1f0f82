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

  /// The length of a request that is decoded but waits for room in the store.
  var parkedByteCount: Int?
  /// Too many replies wait: no further request is looked at until they are gone.
  var isThrottled = false
  /// The client will send nothing more.
  var hasEnded = false
  /// Nothing more is read; the connection closes once its replies are sent.
  var isClosing = false
  /// The replies are sent and the sending side is closed; what still arrives is thrown away.
  var isLingering = false
  var wantsToWrite = false
  /// On the loop's list of connections with held replies.
  var isListedAsHeld = false
  /// On the loop's list of connections that wait for room.
  var isListedAsParked = false
  /// What the poller has been asked for.
  var interest: Poller.Interest = .read

  init(descriptor: consuming Descriptor, session: Session) {
    self.descriptor = descriptor
    self.session = session
  }

  var token: UInt64 { session.id }

  var wantsToRead: Bool {
    isLingering || !(isClosing || hasEnded || isThrottled || parkedByteCount != nil)
  }
}
