import Base
import Glibc
import TxnWAL

/// A folder in memory that knows what a power cut would leave of it, and that fails on request.
package final class MemoryDevice: LogDevice {
  /// What the log can ask of a device that changes something.
  package enum Operation: CaseIterable {
    case write, sync, create, rename, remove, syncDirectory
  }

  /// Failures to come: the operations of one kind on files whose name begins with `prefix`, after the
  /// next `skipping` of them, `count` times.
  package struct Fault {
    package var operation: Operation
    package var prefix = ""
    package var skipping = 0
    package var count = 1
    package var code = EIO
    /// Of a write: whether its first half gets written all the same.
    package var isShort = false

    package init(
      operation: Operation, prefix: String = "", skipping: Int = 0, count: Int = 1,
      code: Int32 = EIO, isShort: Bool = false
    ) {
      self.operation = operation
      self.prefix = prefix
      self.skipping = skipping
      self.count = count
      self.code = code
      self.isShort = isShort
    }
  }

  /// A change of the folder that no directory sync has covered yet.
  package enum EntryChange {
    case create(String, Int)
    case rename(String, String)
    case remove(String)

    func apply(to names: inout [String: Int]) {
      switch self {
      case .create(let name, let file): names[name] = file
      case .rename(let old, let new): names[new] = names.removeValue(forKey: old)
      case .remove(let name): names[name] = nil
      }
    }
  }

  package struct State {
    package var files: [MemoryFile] = []
    package var names: [String: Int] = [:]
    package var durableNames: [String: Int] = [:]
    package var entryChanges: [EntryChange] = []
    package var faults: [Fault] = []
    package var operationCount = 0
    package var operationLimit = Int.max
    package var logSyncCount = 0
    package var roomByteCount = Int.max
    package var isShort = false
    package var hidesFullness = false
    package var askedRoomCount = 0
    package var writtenByteCount = 0
    package var generator = SeededGenerator(0)

    package init() {}
  }

  package let path = "memory"
  package let state: Lock<State>
  /// Where a test holds syncs of segments back.
  package let gate = SyncGate()

  package init(_ state: State = State()) {
    self.state = Lock(state)
  }

  package func fileNames() throws(LogError) -> [String] {
    state.withLock { $0.names.keys.sorted() }
  }

  package func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile {
    let index = try state.withLock { state throws(LogError) in
      if creating {
        try state.begin(.create, name)
        guard state.names[name] == nil else {
          throw LogError.io(IOError(errno: EEXIST, operation: "open", path: name))
        }
        state.files.append(MemoryFile())
        state.perform(.create(name, state.files.count - 1))
      }
      guard let index = state.names[name] else {
        throw LogError.io(IOError(errno: ENOENT, operation: "open", path: name))
      }
      return index
    }
    return OpenFile(device: self, name: name, index: index)
  }

  package func rename(_ name: String, to newName: String) throws(LogError) {
    try state.withLock { state throws(LogError) in
      try state.begin(.rename, name)
      state.perform(.rename(name, newName))
    }
  }

  package func remove(_ name: String) throws(LogError) {
    try state.withLock { state throws(LogError) in
      try state.begin(.remove, name)
      state.perform(.remove(name))
    }
  }

  package func availableByteCount() throws(LogError) -> Int {
    state.withLock { state in
      state.askedRoomCount += 1
      if state.hidesFullness { return .max }
      return max(0, state.roomByteCount - min(state.roomByteCount, state.usedByteCount))
    }
  }

  package func syncDirectory() throws(LogError) {
    try state.withLock { state throws(LogError) in
      try state.begin(.syncDirectory, "")
      state.durableNames = state.names
      state.entryChanges = []
    }
  }

  // MARK: For tests

  /// Arms a failure.
  package func fail(_ fault: Fault) {
    state.withLock { $0.faults.append(fault) }
  }

  /// Nothing reaches the disk after `count` more operations.
  package func cutPower(after count: Int = 0) {
    state.withLock { $0.operationLimit = $0.operationCount + count }
    gate.release()
  }

  /// The operations so far that changed something.
  package var operationCount: Int { state.withLock { $0.operationCount } }

  /// The syncs of segments so far.
  package var logSyncCount: Int { state.withLock { $0.logSyncCount } }

  /// Lets all files together take `byteCount` bytes and no more; nil takes the limit away.
  package func limitRoom(to byteCount: Int?) {
    state.withLock { $0.roomByteCount = byteCount ?? .max }
  }

  /// Whether the device says that there is room where there is none, as one with a quota does.
  package func hideFullness(_ hides: Bool) {
    state.withLock { $0.hidesFullness = hides }
  }

  /// How often it was asked for its room.
  package var askedRoomCount: Int { state.withLock { $0.askedRoomCount } }

  /// The bytes that were written so far, also those of files that are gone.
  package var writtenByteCount: Int { state.withLock { $0.writtenByteCount } }

  /// The bytes that all files take together.
  package var usedByteCount: Int { state.withLock { $0.usedByteCount } }

  package func bytes(of name: String) -> [UInt8]? {
    state.withLock { state in state.names[name].map { state.files[$0].bytes } }
  }

  /// Changes a file behind the log's back, durably.
  package func damage(_ name: String, _ body: (inout [UInt8]) -> Void) {
    state.withLock { state in
      guard let index = state.names[name] else { return }
      body(&state.files[index].bytes)
      state.files[index].durable = state.files[index].bytes
      state.files[index].pending = []
    }
  }

  /// Takes a file away behind the log's back, durably.
  package func discard(_ name: String) {
    state.withLock { state in
      state.names[name] = nil
      state.durableNames[name] = nil
    }
  }

  /// Whether a power cut now would leave `range` of the file as it reads.
  package func isDurable(_ range: Range<Int>, of name: String) -> Bool {
    state.withLock { state in
      guard let index = state.durableNames[name] else { return false }
      let file = state.files[index]
      return file.durable.count >= range.upperBound
        && file.pending.allSatisfy {
          $0.offset + $0.bytes.count <= range.lowerBound || $0.offset >= range.upperBound
        }
    }
  }
}

extension MemoryDevice.State {
  package var usedByteCount: Int { names.values.reduce(0) { $0 + files[$1].bytes.count } }

  /// Counts an operation, and throws where it is to fail.
  package mutating func begin(_ operation: MemoryDevice.Operation, _ name: String) throws(LogError)
  {
    guard operationCount < operationLimit else {
      throw .io(IOError(errno: EIO, operation: "\(operation)", path: name))
    }
    operationCount += 1
    for index in faults.indices
    where faults[index].operation == operation && name.hasPrefix(faults[index].prefix) {
      if faults[index].skipping > 0 {
        faults[index].skipping -= 1
      } else if faults[index].count > 0 {
        faults[index].count -= 1
        let code = faults[index].code
        isShort = faults[index].isShort
        throw code == ENOSPC
          ? .diskFull(IOError(noSpaceTo: "write", name))
          : .io(IOError(errno: code, operation: "\(operation)", path: name))
      }
    }
  }

  package mutating func perform(_ change: MemoryDevice.EntryChange) {
    change.apply(to: &names)
    entryChanges.append(change)
  }
}

/// A file of a `MemoryDevice`, which stays the same file when it is renamed.
private final class OpenFile: LogFile {
  package let path: String
  private let device: MemoryDevice
  private let name: String
  private let index: Int

  package init(device: MemoryDevice, name: String, index: Int) {
    self.device = device
    self.name = name
    self.index = index
    path = "\(device.path)/\(name)"
  }

  package func byteCount() throws(LogError) -> Int {
    device.state.withLock { $0.files[index].bytes.count }
  }

  package func read(at offset: Int, count: Int) throws(LogError) -> [UInt8] {
    device.state.withLock { state in
      let bytes = state.files[index].bytes
      return Array(bytes[min(offset, bytes.count)..<min(offset + count, bytes.count)])
    }
  }

  package func write(_ bytes: RawSpan, at offset: Int) throws(LogError) {
    let copy = [UInt8](copying: bytes)
    try device.state.withLock { state throws(LogError) in
      do throws(LogError) {
        try state.begin(.write, name)
      } catch {
        if state.isShort {
          let order = state.operationCount
          state.files[index].write(Array(copy.prefix(copy.count / 2)), at: offset, order: order)
        }
        state.isShort = false
        throw error
      }
      let growth = max(0, offset + copy.count - state.files[index].bytes.count)
      guard growth <= state.roomByteCount - min(state.roomByteCount, state.usedByteCount) else {
        throw LogError.diskFull(IOError(noSpaceTo: "write", name))
      }
      let order = state.operationCount
      state.writtenByteCount += copy.count
      state.files[index].write(copy, at: offset, order: order)
    }
  }

  package func sync() throws(LogError) {
    if name.hasSuffix(".log") { device.gate.pass() }
    try device.state.withLock { state throws(LogError) in
      if name.hasSuffix(".log") { state.logSyncCount += 1 }
      do throws(LogError) {
        try state.begin(.sync, name)
      } catch {
        // A machine without power decides when its image is taken.
        if state.operationCount < state.operationLimit {
          state.files[index].failSync(&state.generator)
        }
        throw error
      }
      state.files[index].sync()
    }
  }
}
