import Base

/// The responses of one connection that have not been sent yet, in the order in which they must be sent.
///
/// Their bytes lie one after another in one buffer, so that many are sent with one call. A response may have to
/// wait, and holds back those after it in the same queue and no others: responses that do not depend on each other,
/// such as those of different streams, belong in different queues.
public struct ResponseQueue: ~Copyable {
  public var bytes = ByteBuffer()
  public var waits = ResponseWaits()

  public init() {}

  @inlinable public var count: Int { bytes.count }

  /// How many bytes may be sent when everything up to `position` is durable.
  @inlinable @inline(__always)
  public mutating func readyByteCount(durable position: UInt64) -> Int {
    waits.isEmpty ? bytes.count : waits.readyByteCount(of: bytes.count, durable: position)
  }

  /// Removes `byteCount` sent bytes, which were ready.
  @inlinable @inline(__always)
  public mutating func didSend(_ byteCount: Int) {
    bytes.consume(byteCount)
    if !waits.isEmpty { waits.didSend(byteCount) }
  }

  /// Drops the responses that wait. Returns false if there are none.
  public mutating func dropWaiting(durable position: UInt64) -> Bool {
    let ready = readyByteCount(durable: position)
    // One that waits may have no bytes: its peer wants no response, but must be told that it is lost.
    guard !waits.isEmpty else { return false }
    bytes.truncate(to: ready)
    waits.removeAll()
    return true
  }

  /// Ends the queue with a response whose bytes do not exist yet. Responses written after it wait for it.
  public mutating func beginIncomplete() -> ResponseWaits.Incomplete {
    waits.beginIncomplete(at: bytes.count)
  }

  /// Supplies the bytes of an incomplete response, which may be sent once everything up to `position` is durable.
  ///
  /// Complexity: O(responses and bytes after it).
  public mutating func complete(
    _ response: ResponseWaits.Incomplete, _ content: RawSpan, waitsFor position: UInt64 = 0
  ) {
    let offset = waits.complete(response, byteCount: content.byteCount, waitsFor: position)
    bytes.insert(content, at: offset)
  }

  /// Frees all memory.
  public mutating func removeAll() {
    bytes = ByteBuffer()
    waits.removeAll()
  }
}
