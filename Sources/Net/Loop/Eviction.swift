import Base

/// Freeing the memory of some connections for others.
extension EventLoop {
  /// How long a peer must have left its output unread before it may be evicted, in seconds.
  private static var leastBlockedSeconds: Int64 { 2 }

  /// To be called at most once a second, while memory is lacking.
  func evictForMemory(now: Int64) {
    evictStalledReceivers(idleBefore: now - Int64(limits.stallSeconds))
    let lacksMemory = awaitingMemory.first.map { $0.isServed && !hasMemoryToReceive($0) } ?? false
    let refusedRoom = memory.takeRefusal()
    if let room = lacksMemory ? 0 : refusedRoom { evictLargestBlocked(now: now, outOf: room) }
  }

  /// Closes connections that hold much memory for an incomplete request and have been inactive since before
  /// `time`.
  private func evictStalledReceivers(idleBefore time: Int64) {
    for connection in connections.all
    where connection.input.capacity > BufferMemory.ungatedByteCount && connection.isReceiving
      && connection.record.lastActiveAt.load(ordering: .relaxed) < time
    {
      cutOff(connection, because: .memory)
    }
  }

  /// Of all peers, on any loop, that have not read their output for a while, evicts the one that uses the most
  /// memory. Each loop evicts at most one a second, so that its memory is free before the next is chosen.
  ///
  /// Does nothing if all these peers together use less than `room`, the room there was for a refused response.
  /// Evicting them could at most double it, which might have been enough; but a peer that requests more than
  /// can ever fit must not cause the eviction of peers that use little.
  private func evictLargestBlocked(now: Int64, outOf room: Int) {
    let blocked = registry.all.filter { peer in
      peer.connection.blockedSince.load(ordering: .relaxed) <= now - Self.leastBlockedSeconds
        && !peer.connection.isNeverEvicted.load(ordering: .relaxed)
    }
    func byteCount(_ peer: Wire.Peer) -> Int {
      peer.connection.memoryByteCount.load(ordering: .relaxed)
    }
    guard blocked.reduce(0, { $0 + byteCount($1) }) >= room,
      let largest = blocked.max(by: { byteCount($0) < byteCount($1) }),
      byteCount(largest) > BufferMemory.ungatedByteCount
    else { return }
    wire.evict(largest)
  }
}
