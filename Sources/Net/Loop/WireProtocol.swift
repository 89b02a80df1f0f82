import Base

/// What an event loop leaves to the protocol that is spoken on its connections. Each loop has its own instance, which
/// only the loop's thread uses.
///
/// The loop owns descriptors, buffers, limits and time; the protocol takes requests from a connection's input and
/// appends responses to its output. A request and its sending are two operations: `advance` runs what has been
/// received, and the loop sends what is ready, later and as often as needed, without asking the protocol.
public protocol WireProtocol: AnyObject {
  /// What other threads may know of a connection.
  associatedtype Peer: ConnectionPeer
  /// What the protocol keeps for each connection.
  associatedtype Context

  // MARK: Connections

  /// Writes why a new connection is turned away: if `peer` is nil, because there are too many, otherwise for a reason
  /// of the protocol's own. Nothing is written for a connection that is welcome.
  func writeRefusal(of peer: Peer?, to output: inout ByteBuffer)

  func makeContext(for peer: Peer) -> Context

  /// Sets the limits of a connection that is new.
  func configure(_ connection: Connection<Context>)

  /// The connection is about to be cut off because it exceeded a limit.
  func willCutOff(_ connection: Connection<Context>, because reason: CutOff)

  /// Frees the memory that is kept for the connection's requests: it runs no more of them.
  func release(_ connection: Connection<Context>)

  /// The connection is closed.
  func didClose(_ connection: Connection<Context>)

  // MARK: Requests

  /// Runs the complete requests in the connection's input: until none is left, one has to wait, too much output is
  /// pending or the connection's share of this turn is used up. Consumes those that have run. Returns what the connection
  /// does next: neither `.lingering` nor `.closed`.
  func advance(_ connection: Connection<Context>, on loop: EventLoop<Self>) -> ConnectionState

  /// The requests of a connection that is about to close are dropped as if they had never been received.
  func dropRequests(of connection: Connection<Context>)

  /// How many bytes the input must hold before the next request can proceed; 0 if unknown.
  func wantedInputByteCount(of connection: Connection<Context>) -> Int

  /// The memory used for the connection besides its buffers, in bytes.
  func memoryByteCount(of connection: Connection<Context>) -> Int

  /// There is no memory for the rest of a request. Appends an error to the output; the connection closes after it.
  func refuseForMemory(_ connection: Connection<Context>)

  // MARK: Responses that wait

  /// Everything before it is durable: a response that waits for this position or an earlier one may be sent.
  var durablePosition: UInt64 { get }

  /// Whether no further position will become durable.
  var hasLogFailed: Bool { get }

  /// Takes the place of responses that waited for positions which will not become durable. Appends an error to the
  /// output; the connection closes after it.
  func writeOutcomeUnknown(to connection: Connection<Context>)

  /// Makes durable, in this thread, what `advance` has written, if no other thread does it. Returns whether that is done
  /// or has failed.
  func syncInline() -> Bool

  /// Makes another thread do it.
  func requestSync()

  // MARK: Requests that wait

  /// Whether others wait for room: a request that needs room waits behind them.
  var othersWaitForRoom: Bool { get set }

  /// Whether there may be room for the connection that has waited longest, or an error to report to it.
  func mayHaveRoom(for connection: Connection<Context>) -> Bool

  /// In how many milliseconds the loop must wake by itself; nil if it need not.
  func millisecondsUntilDue(on loop: EventLoop<Self>) -> Int64?

  // MARK: Turns

  /// Before the loop waits: nothing that other threads need may be kept.
  func willWait()

  /// After it has waited.
  func didWait(on loop: EventLoop<Self>)

  /// The loop was signalled.
  func didReceive(_ causes: WakeCauses, on loop: EventLoop<Self>)

  /// The turn ends.
  func didTurn(on loop: EventLoop<Self>)

  /// The loop has stopped and all connections are closed.
  func didStop()

  // MARK: Limits on all connections

  /// Closes the connection, on whichever loop it is, to free its memory for others.
  func evict(_ peer: Peer)

  /// Tells the operator.
  func log(_ text: String)
}
