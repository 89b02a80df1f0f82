/// What a power cut does to what no sync had covered.
package enum Crash: CaseIterable {
  /// All of it is lost.
  case loses
  /// All of it got to the disk.
  case keeps
  /// It got there in order, up to some byte.
  case tearsAtByte
  /// It got there in order, up to some sector.
  case tearsAtSector
  /// Any of its sectors got there, and any of the folder's changes up to one.
  case reorders
}

extension MemoryDevice {
  /// The device that a machine finds after a power cut at this moment.
  package func image(_ crash: Crash, seed: UInt64 = 0) -> MemoryDevice {
    let before = state.withLock { $0 }
    var generator = SeededGenerator(seed)
    var after = State()
    after.generator = SeededGenerator(seed &+ 1)
    after.files = before.files.map {
      MemoryFile(bytes: [], durable: $0.durable, pending: [])
    }
    let writes = before.files.indices
      .flatMap { file in before.files[file].pending.map { (file, $0) } }
      .sorted { $0.1.order < $1.1.order }
    for (file, write) in crash.survivors(of: writes, &generator) {
      MemoryFile.overlay(write.bytes, on: &after.files[file].durable, at: write.offset)
    }
    after.durableNames = before.durableNames
    let changeCount =
      switch crash {
      case .loses: 0
      case .keeps: before.entryChanges.count
      case .tearsAtByte, .tearsAtSector, .reorders:
        Int.random(in: 0...before.entryChanges.count, using: &generator)
      }
    for change in before.entryChanges.prefix(changeCount) {
      change.apply(to: &after.durableNames)
    }
    after.names = after.durableNames
    for index in after.files.indices { after.files[index].bytes = after.files[index].durable }
    return MemoryDevice(after)
  }

  /// The device as another process finds it after this one was killed: all that was written is
  /// readable, what was not synced is still not.
  package func afterKill() -> MemoryDevice {
    var state = state.withLock { $0 }
    state.operationLimit = .max
    state.faults = []
    return MemoryDevice(state)
  }
}

extension Crash {
  /// What a power cut leaves of `writes`, each with the number of its file, in the order in which they
  /// were made.
  package func survivors(
    of writes: [(Int, MemoryFile.Write)], _ generator: inout SeededGenerator
  ) -> [(Int, MemoryFile.Write)] {
    switch self {
    case .loses:
      return []
    case .keeps:
      return writes
    case .tearsAtByte:
      var left = Int.random(
        in: 0...writes.reduce(0) { $0 + $1.1.bytes.count }, using: &generator)
      return writes.map { file, write in
        let kept = min(left, write.bytes.count)
        left -= kept
        return (file, write.prefix(kept))
      }
    case .tearsAtSector:
      let sectors = writes.flatMap { file, write in write.sectors.map { (file, $0) } }
      return Array(sectors.prefix(Int.random(in: 0...sectors.count, using: &generator)))
    case .reorders:
      let sectors = writes.flatMap { file, write in write.sectors.map { (file, $0) } }
      return sectors.filter { _ in Bool.random(using: &generator) }
    }
  }
}
