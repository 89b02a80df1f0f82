import Synchronization

/// A limit on the memory of all connections together: input that is not processed yet, pending output, and
/// what a protocol keeps for its connections.
///
/// Small amounts, up to `ungatedByteCount`, are always granted; otherwise a full server could not even be
/// asked what fills it. Beyond that a connection needs room. A connection that holds nothing yet waits until
/// others finish. One that already holds part of its input is refused: if those waited too, they could wait
/// for each other indefinitely.
///
/// Usage is updated when an event loop has finished serving a connection, so each loop may exceed the limit
/// by what one connection allocates in between.
public final class BufferMemory: Sendable {
  public static let ungatedByteCount = 64 << 10

  public let limit: Atomic<Int>
  private let used = Atomic<Int>(0)
  /// The least room there was for refused output since `takeRefusal` was last called; `.max` if none was
  /// refused.
  private let refusedRoom = Atomic<Int>(.max)

  public init(limit: Int) { self.limit = Atomic(limit) }

  public var inUse: Int { used.load(ordering: .relaxed) }
  /// The limit may be `Int.max`; `max` prevents an overflow.
  public var left: Int { limit.load(ordering: .relaxed) - max(0, inUse) }
  public var isFull: Bool { left <= 0 }

  public func hasRoom(for byteCount: Int) -> Bool { byteCount <= left }

  /// Records that output was refused because only `byteCount` bytes were left for it.
  public func noteRefusal(room byteCount: Int) { refusedRoom.min(byteCount, ordering: .relaxed) }

  /// Whether output was refused since `takeRefusal` was last called.
  public var isRefusing: Bool { refusedRoom.load(ordering: .relaxed) < .max }

  /// Returns and resets the least room there was for refused output; nil if none was refused.
  public func takeRefusal() -> Int? {
    let room = refusedRoom.exchange(.max, ordering: .relaxed)
    return room < .max ? room : nil
  }

  public func change(by byteCount: Int) { used.add(byteCount, ordering: .relaxed) }

  /// Reserves as much of `byteCount` as there is room for; returns how much that is.
  public func reserve(upTo byteCount: Int) -> Int {
    change(by: byteCount)
    let excess = min(byteCount, max(0, -left))
    change(by: -excess)
    return byteCount - excess
  }
}
