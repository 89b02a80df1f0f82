/// What is kept for a client's connection besides its buffers: its session, and how far its requests were received.
struct ClientContext {
  let session: Session
  var decoder = RequestDecoder()
  /// The arguments of the request that is being received, or that waits.
  var arguments: [Range<Int>] = []
  /// The length of the decoded request that waits.
  var waitingByteCount: Int?
  var isRESP3 = false

  init(session: Session) { self.session = session }
}
