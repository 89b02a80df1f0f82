import Synchronization

/// The memory that all connections take together: what they have sent and is not carried out, queued
/// in MULTI, watched, and what waits to be sent to them.
///
/// Small requests and replies, of up to `ungatedByteCount`, are always served, or a full server could
/// not even be asked what fills it. Beyond that a connection asks first. One that holds nothing yet
/// waits until others are done; one that already holds part of a request is refused, because if those
/// waited too nobody might ever be done. A connection that queues or watches more is refused, and a
/// reply that does not fit becomes an error.
///
/// What a connection takes is entered when the event loop is done with it for the moment, so the limit
/// may be passed by what one connection takes in between, once for each loop.
final class ClientMemory: Sendable {
  static let ungatedByteCount = 64 << 10
  /// In Redis's words, with the name that its limit for clients has.
  static let refusal: StaticString =
    "OOM command not allowed when used memory > 'maxmemory-clients'."

  let limit: Atomic<Int>
  private let used = Atomic<Int>(0)
  /// The least room that a reply had which was refused for want of memory, since that was last asked; `.max` if none
  /// was.
  private let refusedRoom = Atomic<Int>(.max)

  init(limit: Int) { self.limit = Atomic(limit) }

  var inUse: Int { used.load(ordering: .relaxed) }
  /// The limit may be any number.
  var left: Int { limit.load(ordering: .relaxed) - max(0, inUse) }
  var isFull: Bool { left <= 0 }

  func hasRoom(for byteCount: Int) -> Bool { byteCount <= left }

  /// A reply had to be refused, for which there were so many bytes.
  func noteRefusal(room byteCount: Int) { refusedRoom.min(byteCount, ordering: .relaxed) }

  /// Whether a reply had to be refused.
  var isRefusing: Bool { refusedRoom.load(ordering: .relaxed) < .max }

  /// The least room that there was for one, nil if none was refused; and it begins again.
  func takeRefusal() -> Int? {
    let room = refusedRoom.exchange(.max, ordering: .relaxed)
    return room < .max ? room : nil
  }

  func change(by byteCount: Int) { used.add(byteCount, ordering: .relaxed) }
}
