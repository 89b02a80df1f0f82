/// What the responses of a `ResponseQueue` wait for.
///
/// Responses that wait for nothing need no entry while none before them waits, and responses in a row that become
/// ready together share one. So a queue in which nothing waits costs nothing.
public struct ResponseWaits {
  private struct Entry {
    /// Of the last entry: unknown, because responses may still be added to it.
    var byteCount: Int
    /// Ready once everything up to it is durable; `incomplete` before the response exists.
    var position: UInt64
  }

  private static var incomplete: UInt64 { .max }

  /// Names a response that is not complete.
  public struct Incomplete: Equatable {
    fileprivate let number: Int
  }

  private var entries: [Entry] = []
  @usableFromInline var first = 0
  @usableFromInline var end = 0
  /// Of the last entry, if there is one.
  @usableFromInline var lastPosition: UInt64 = 0
  /// How many entries have been removed from the front of `entries`, to number them.
  private var removedCount = 0
  /// The bytes before the first entry, and those of all entries but the last. Both are zero without entries.
  private var readyByteCount = 0
  private var waitingByteCount = 0

  public init() {}

  /// Whether nothing waits.
  @inlinable @inline(__always) public var isEmpty: Bool { first == end }

  /// How many entries there are.
  @inlinable public var count: Int { end &- first }

  public var memoryByteCount: Int { entries.capacity * MemoryLayout<Entry>.size }

  /// Holds all bytes from `offset` in the buffer on until everything up to `position` is durable.
  @inlinable @inline(__always)
  public mutating func hold(from offset: Int, until position: UInt64) {
    // If the responses before these wait at least as long, they become ready together.
    if isEmpty || lastPosition < position { append(position, at: offset) }
  }

  /// The position that the first response waits for; nil if none waits.
  public var firstPosition: UInt64? { isEmpty ? nil : entries[first].position }

  @usableFromInline mutating func append(_ position: UInt64, at offset: Int) {
    if isEmpty {
      readyByteCount = offset
    } else {
      let byteCount = offset &- readyByteCount &- waitingByteCount
      entries[end &- 1].byteCount = byteCount
      waitingByteCount &+= byteCount
    }
    entries.append(Entry(byteCount: 0, position: position))
    lastPosition = position
    end &+= 1
  }

  /// How many of the `pending` bytes in the buffer may be sent; removes entries that are ready.
  public mutating func readyByteCount(of pending: Int, durable position: UInt64) -> Int {
    while first < end {
      guard entries[first].position <= position else { return readyByteCount }
      readyByteCount &+= entries[first].byteCount
      waitingByteCount &-= entries[first].byteCount
      first &+= 1
    }
    removeAll(keepingCapacity: entries.capacity <= Self.keptCount)
    return pending
  }

  private static let keptCount = 1024

  /// `byteCount` bytes were removed from the head of the buffer.
  public mutating func didSend(_ byteCount: Int) {
    if isEmpty { return }
    precondition(byteCount <= readyByteCount, "a response that waits was sent")
    readyByteCount &-= byteCount
    if first > Self.keptCount, first * 2 > end {
      entries.removeFirst(first)
      removedCount &+= first
      end &-= first
      first = 0
    }
  }

  /// Removes all entries, after the responses that waited were dropped.
  public mutating func removeAll() { removeAll(keepingCapacity: false) }

  private mutating func removeAll(keepingCapacity: Bool) {
    removedCount &+= end
    entries.removeAll(keepingCapacity: keepingCapacity)
    first = 0
    end = 0
    readyByteCount = 0
    waitingByteCount = 0
  }

  // MARK: Incomplete responses

  mutating func beginIncomplete(at offset: Int) -> Incomplete {
    append(Self.incomplete, at: offset)
    let response = Incomplete(number: removedCount &+ end &- 1)
    // What is written after it is not part of it.
    append(0, at: offset)
    return response
  }

  /// Returns the offset in the buffer where the bytes of the response belong.
  mutating func complete(
    _ response: Incomplete, byteCount: Int, waitsFor position: UInt64
  ) -> Int {
    let index = response.number - removedCount
    precondition(
      index >= first && index < end && entries[index].position == Self.incomplete,
      "the response is complete")
    let offset = entries[first..<index].reduce(readyByteCount) { $0 + $1.byteCount }
    entries[index].byteCount = byteCount
    entries[index].position = position
    waitingByteCount += byteCount
    return offset
  }
}
