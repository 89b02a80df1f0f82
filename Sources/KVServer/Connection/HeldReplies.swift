/// Which of a connection's replies wait for which log position.
///
/// Replies leave in order. A mark says: what stands at or behind this byte may be sent once the log is
/// durable up to that position. Positions never decrease from one mark to the next, so everything
/// before the first mark that is not durable may go.
///
/// Byte offsets count from the first byte of the output buffer, as it is when the call is made.
struct HeldReplies {
  private struct Mark {
    let offset: Int
    var position: UInt64
  }

  private var marks: [Mark] = []
  private var first = 0
  /// Bytes sent since the connection began: what turns offsets in the buffer into lasting ones.
  private var sentByteCount = 0

  /// Whether something may still be waiting.
  var isEmpty: Bool { first == marks.count }

  /// How many positions are waited for.
  var count: Int { marks.count - first }

  var byteCount: Int { marks.capacity * MemoryLayout<Mark>.size }

  /// Holds everything from `offset` in the output buffer on until `position` is durable.
  @inline(__always)
  mutating func hold(from offset: Int, until position: UInt64) {
    if first < marks.count, marks[marks.count &- 1].position >= position { return }
    marks.append(Mark(offset: sentByteCount &+ offset, position: position))
  }

  /// How many of the `pending` bytes in the output buffer may be sent; forgets marks that are durable.
  mutating func sendableByteCount(of pending: Int, durable: UInt64) -> Int {
    while first < marks.count {
      guard marks[first].position <= durable else { return marks[first].offset - sentByteCount }
      first += 1
    }
    marks.removeAll(keepingCapacity: marks.capacity <= 1024)
    first = 0
    return pending
  }

  /// `byteCount` bytes have left the head of the output buffer.
  mutating func didSend(_ byteCount: Int) {
    sentByteCount += byteCount
    if first > 1024, first * 2 > marks.count {
      marks.removeFirst(first)
      first = 0
    }
  }

  /// Forgets all marks, when what they held has been taken back.
  mutating func clear() {
    marks.removeAll()
    first = 0
  }
}
