import Synchronization

/// What any thread may know about an open connection. Its event loop keeps the figures up to date.
public final class ConnectionRecord: Sendable {
  public let id: UInt64
  /// `address:port` of the peer and of this side; for a Unix socket its path and port 0.
  public let address: String
  public let localAddress: String
  public let descriptor: Int32
  public let isOnUnixSocket: Bool
  /// In seconds of the monotonic clock, like all times here.
  public let connectedAt: Int64
  /// When something was last received.
  public let lastActiveAt: Atomic<Int64>
  /// Bytes of input that is not processed, of pending output, and of all its memory, as of the last time the
  /// event loop finished serving it.
  public let inputByteCount = Atomic<Int>(0)
  public let outputByteCount = Atomic<Int>(0)
  public let memoryByteCount = Atomic<Int>(0)
  /// It has been told to close, but may still be open.
  public let isKilled = Atomic<Bool>(false)
  /// Since when it has left pending output unread; `.max` while it reads.
  public let blockedSince = Atomic<Int64>(.max)
  /// Never cut off to free memory for others.
  public let isNeverEvicted = Atomic<Bool>(false)

  public init(
    id: UInt64, address: String, localAddress: String, descriptor: Int32,
    isOnUnixSocket: Bool = false, now: Int64
  ) {
    self.id = id
    self.isOnUnixSocket = isOnUnixSocket
    self.address = address
    self.localAddress = localAddress
    self.descriptor = descriptor
    connectedAt = now
    lastActiveAt = Atomic(now)
  }

  /// The peer's address without the port.
  public var host: String {
    String(address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex))
  }

  /// Whether the peer is on this machine.
  public var isLocal: Bool { isOnUnixSocket || host == "127.0.0.1" || host == "[::1]" }
}

/// What a protocol lets other threads know about a connection: the record, and more of its own.
public protocol ConnectionPeer: AnyObject, Sendable {
  var connection: ConnectionRecord { get }

  init(_ connection: ConnectionRecord)
}
