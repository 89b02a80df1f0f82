/// The limits of one connection. The protocol sets them, and may change them at any time.
public struct ConnectionLimits: Equatable, Sendable {
  /// The most input that may be buffered without being processed, in bytes. While output is pending, nothing
  /// is received beyond it; otherwise the connection is cut off.
  public var inputByteCount = Int.max
  public var output = OutputLimit()
  /// Receives while its peer leaves output unread. It may be a peer that sends all its requests before it reads
  /// the first response: otherwise each side would wait for the other.
  public var receivesAhead = true
  /// It is sent output that it did not request, so it is never idle.
  public var isPushedTo = false

  public init() {}
}

/// Limits on pending output, in bytes; 0 is no limit.
public struct OutputLimit: Equatable, Sendable {
  /// A connection beyond it is cut off at once.
  public var hard = 0
  /// A connection beyond it for `softSeconds` without a break is cut off.
  public var soft = 0
  public var softSeconds = 0

  public init() {}

  public init(hard: Int, soft: Int, softSeconds: Int) {
    self.hard = hard
    self.soft = soft
    self.softSeconds = softSeconds
  }
}

/// The limits that are the same for all connections of an event loop.
public struct LoopLimits: Equatable, Sendable {
  /// After how many idle seconds a connection is closed; 0 for never.
  public var idleSeconds = 0
  /// How long a peer may take to send the rest of a request, plus one second for each 16 KiB of it; 0 for no
  /// limit.
  public var requestSeconds = 0
  /// How long a peer may leave its output unread before it is cut off.
  public var stallSeconds = 60
  /// After how many silent seconds the system probes whether a peer is still there; 0 for never.
  public var keepAliveSeconds = 0
  /// How long a stop waits for output to be sent.
  public var drainMilliseconds = 5_000

  public init() {}
}
