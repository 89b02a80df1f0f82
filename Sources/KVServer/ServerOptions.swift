/// How a server listens and what it allows its clients.
public struct ServerOptions: Sendable {
  /// A numeric IPv4 or IPv6 address.
  public var address = "127.0.0.1"
  /// 0 lets the system choose.
  public var port = 7379
  public var ioThreadCount = 1
  /// Fewer if the process may not open so many descriptors.
  public var clientLimit = 10_000
  /// Bounds the memory for what clients have sent, queued and not yet read, over all of them together.
  public var clientMemoryByteCount = 256 << 20
  public var access = AccessOptions()
  /// How long a script may run while all writers wait for it. (`busy-reply-threshold`)
  public var scriptMilliseconds = 100
  /// Bounds the memory that the scripts of one I/O thread may take.
  public var scriptMemoryByteCount = 64 << 20
  /// Told by CONFIG GET dir and INFO; the store itself was opened elsewhere. Users are kept there too.
  public var dataPath = "./kvd-data"
  /// Told by INFO.
  public var durability = "sync"
  /// How long a stop waits for replies to be sent.
  public var drainTimeoutMilliseconds = 5_000
  /// How long a client may leave replies unread that it was sent before it is cut off.
  public var stallTimeoutSeconds = 60
  /// Told what an operator should know, a line at a time, from any thread.
  public var log: @Sendable (String) -> Void = { _ in }

  public init() {}
}

/// The versions that INFO and HELLO tell.
public enum Version {
  public static let kvd = "0.1.0"
  /// The Redis whose replies kvd gives.
  public static let redis = "7.0.15"
}
