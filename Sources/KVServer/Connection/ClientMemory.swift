import Synchronization

/// The memory of all connections together: requests received but not run, queued in MULTI or watched, and
/// pending replies.
///
/// Small requests and replies, up to `ungatedByteCount`, are always served; otherwise a full server could
/// not even be asked what fills it. Beyond that a connection needs room. A connection that holds nothing
/// yet waits until others finish. One that already holds part of a request is refused: if those waited too,
/// they could wait for each other indefinitely. A connection that queues or watches more is refused, and a
/// reply that does not fit becomes an error.
///
/// Usage is updated when the event loop has finished serving a connection, so each loop may exceed the
/// limit by what one connection allocates in between.
final class ClientMemory: Sendable {
  static let ungatedByteCount = 64 << 10
  /// Redis's wording, with the name of its limit for clients.
  static let refusal: StaticString =
    "OOM command not allowed when used memory > 'maxmemory-clients'."

  let limit: Atomic<Int>
  private let used = Atomic<Int>(0)
  /// The least room there was for a refused reply since `takeRefusal` was last called; `.max` if none was
  /// refused.
  private let refusedRoom = Atomic<Int>(.max)

  init(limit: Int) { self.limit = Atomic(limit) }

  var inUse: Int { used.load(ordering: .relaxed) }
  /// The limit may be `Int.max`; `max` prevents an overflow.
  var left: Int { limit.load(ordering: .relaxed) - max(0, inUse) }
  var isFull: Bool { left <= 0 }

  func hasRoom(for byteCount: Int) -> Bool { byteCount <= left }

  /// Records that a reply was refused because only `byteCount` bytes were left for it.
  func noteRefusal(room byteCount: Int) { refusedRoom.min(byteCount, ordering: .relaxed) }

  /// Whether a reply was refused since `takeRefusal` was last called.
  var isRefusing: Bool { refusedRoom.load(ordering: .relaxed) < .max }

  /// Returns and resets the least room there was for a refused reply; nil if none was refused.
  func takeRefusal() -> Int? {
    let room = refusedRoom.exchange(.max, ordering: .relaxed)
    return room < .max ? room : nil
  }

  func change(by byteCount: Int) { used.add(byteCount, ordering: .relaxed) }
}
