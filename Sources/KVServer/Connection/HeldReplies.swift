/// Which of a connection's replies wait for which log position.
///
/// Replies are sent in order. A mark means that the bytes from its offset on may be sent only once the log
/// is durable up to its position. Positions never decrease from one mark to the next, so everything before
/// the first mark that is not durable may be sent.
///
/// Byte offsets count from the first byte of the output buffer at the time of the call.
struct HeldReplies {
  private struct Mark {
    let offset: Int
    var position: UInt64
  }

  private var marks: [Mark] = []
  private var first = 0
  /// Bytes sent since the connection began; added to an offset in the buffer, it makes the offset
  /// permanent.
  private var sentByteCount = 0

  /// Whether no mark is left.
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

  /// How many of the `pending` bytes in the output buffer may be sent; removes marks that are durable.
  mutating func sendableByteCount(of pending: Int, durable: UInt64) -> Int {
    while first < marks.count {
      guard marks[first].position <= durable else { return marks[first].offset - sentByteCount }
      first += 1
    }
    marks.removeAll(keepingCapacity: marks.capacity <= 1024)
    first = 0
    return pending
  }

  /// `byteCount` bytes were removed from the head of the output buffer.
  mutating func didSend(_ byteCount: Int) {
    sentByteCount += byteCount
    if first > 1024, first * 2 > marks.count {
      marks.removeFirst(first)
      first = 0
    }
  }

  /// Removes all marks, after the replies they held were taken back.
  mutating func clear() {
    marks.removeAll()
    first = 0
  }
}
