import Base
import FaultDevices
import Glibc

/// What LMDB's files are made of, underneath LMDB: its own system calls come through here
/// (`SystemCalls.swift`), some of them to fail, and what no sync has covered is known.
///
/// The files themselves are real, so LMDB is the library that a daemon has, in the state that it is in
/// after such a failure.
enum DataFiles {
  /// Where a call fails: the one after the next `skipping` of its kind.
  struct Fault {
    /// LMDB's writes of pages, its syncs and its writes of meta pages; and the syncs of the manifest
    /// and of folders.
    enum Operation: CaseIterable { case write, sync, meta, manifestSync }

    var operation: Operation
    var skipping: Int
    var code: Int32
    /// Of a write of pages: whether the first half gets written, and nothing is said of an error.
    var isShort: Bool
  }

  fileprivate struct State {
    var folder: String?
    var files: [String: MemoryFile] = [:]
    var faults: [Fault] = []
    /// How much longer all files together may become.
    var room = Int.max
    var order = 0
    var random = SeededGenerator(0)
    var hasMetaFailed = false
  }

  private static let state = Lock(State())

  /// Follows the files below `folder` from now on; those of nil are none.
  static func follow(_ folder: String?, seed: UInt64) {
    state.withLock {
      $0 = State()
      $0.folder = folder
      $0.random = SeededGenerator(seed ^ 0xDA7A)
    }
  }

  static func fail(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }

  /// Lets the files grow by `byteCount` and no more; nil takes the limit away.
  static func limitRoom(to byteCount: Int?) { state.withLock { $0.room = byteCount ?? .max } }

  /// A process that begins has none of the faults of the one before.
  static func endFaults() {
    state.withLock {
      $0.faults = []
      $0.room = .max
      $0.hasMetaFailed = false
    }
  }

  /// Whether this process could not write a meta page: LMDB then refuses to read, too.
  static var hasMetaFailed: Bool { state.withLock { $0.hasMetaFailed } }

  // MARK: Crashes

  /// Makes the files below `copy`, which were copied from `path` just now, what a power cut leaves of
  /// them; `crash` is nil where only the process was killed, which leaves everything readable. No sector
  /// is torn, which LMDB relies on for its meta pages.
  static func settle(_ path: String, copy: String, _ crash: Crash?) {
    state.withLock { state in
      for (name, var file) in state.files.sorted(by: { $0.key < $1.key })
      where name.hasPrefix(path + "/") {
        let target = copy + name.dropFirst(path.count)
        guard access(target, F_OK) == 0 else { continue }
        if let crash = crash == .tearsAtByte ? .tearsAtSector : crash {
          let writes = file.pending.map { (0, $0) }
          for (_, write) in crash.survivors(of: writes, &state.random) { file.keep(write) }
          file.pending = []
          overwrite(target, with: file.durable)
        }
        state.files[target] = file
      }
    }
  }

  /// The files below `path` are gone.
  static func forget(_ path: String) {
    state.withLock { state in
      state.files = state.files.filter { !$0.key.hasPrefix(path + "/") }
    }
  }

  private static func overwrite(_ path: String, with bytes: [UInt8]) {
    let file = open(path, O_WRONLY | O_TRUNC)
    let count = bytes.withUnsafeBytes { LibC.pwrite(file, $0.baseAddress, $0.count, 0) }
    close(file)
    if count != bytes.count { Verdict.fail("the harness could not write \(path)") }
  }

  // MARK: What LMDB calls

  /// How much of a write is to be done, and the error that it ends with, if it does.
  struct Decision {
    var count: Int
    var code: Int32 = 0
  }

  /// Before a write to `descriptor`, nil where the file is not one of these.
  static func willWrite(_ descriptor: Int32, count: Int, at offset: Int) -> Decision? {
    guard let name = name(of: descriptor) else { return nil }
    let isSynced = isSynced(descriptor)
    return state.withLock { state in
      state.note(name, descriptor)
      if let fault = state.takeFault(isSynced ? .meta : .write) {
        if isSynced {
          state.hasMetaFailed = true
          return Decision(count: count, code: fault.code)
        }
        return fault.isShort
          ? Decision(count: count / 2) : Decision(count: 0, code: fault.code)
      }
      let growth = max(0, offset + count - byteCount(descriptor))
      guard growth > state.room else {
        if state.room < .max { state.room -= growth }
        return Decision(count: count)
      }
      // As a file system does it: what there is room for is written, and the next write fails.
      let fitting = count - (growth - state.room)
      state.room = 0
      return fitting > 0 ? Decision(count: fitting) : Decision(count: 0, code: ENOSPC)
    }
  }

  /// After bytes were written; `isWhole` where the call says so.
  static func didWrite(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int, isWhole: Bool) {
    guard let name = name(of: descriptor) else { return }
    let isSynced = isSynced(descriptor)
    state.withLock { state in
      state.order += 1
      let write = MemoryFile.Write(order: state.order, offset: offset, bytes: bytes)
      // A synced write that says that it failed may be on the disk all the same.
      if isSynced, isWhole || Bool.random(using: &state.random) {
        state.files[name]?.keep(write)
      } else {
        state.files[name]?.pending.append(write)
      }
    }
  }

  /// Whether a sync fails. It covers what was written before.
  static func sync(_ descriptor: Int32) -> Int32 {
    guard let name = path(of: descriptor) else { return 0 }
    return state.withLock { state in
      if !name.hasSuffix(dataName) { return state.takeFault(.manifestSync)?.code ?? 0 }
      state.note(name, descriptor)
      if let fault = state.takeFault(.sync) {
        state.files[name]?.failSync(&state.random)
        return fault.code
      }
      state.files[name]?.sync()
      return 0
    }
  }

  /// What is left of the file system's room for those who ask.
  static func room(at path: UnsafePointer<CChar>) -> Int? {
    state.withLock { state in
      guard let folder = state.folder, state.room < .max, String(cString: path).hasPrefix(folder)
      else { return nil }
      return state.room
    }
  }

  // MARK: Descriptors

  private static let dataName = "/data.mdb"

  /// The data file behind a descriptor.
  private static func name(of descriptor: Int32) -> String? {
    guard let path = path(of: descriptor), path.hasSuffix(dataName) else { return nil }
    return path
  }

  /// What lies below the folder behind a descriptor.
  private static func path(of descriptor: Int32) -> String? {
    guard let folder = state.withLock({ $0.folder }) else { return nil }
    let name = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer -> String? in
      let count = readlink("/proc/self/fd/\(descriptor)", buffer.baseAddress!, 511)
      guard count > 0 else { return nil }
      buffer[count] = 0
      return String(cString: buffer.baseAddress!)
    }
    guard let name, name.hasPrefix(folder) else { return nil }
    return name
  }

  /// LMDB writes meta pages, and nothing else, through a descriptor that syncs each write.
  private static func isSynced(_ descriptor: Int32) -> Bool {
    fcntl(descriptor, F_GETFL) & O_DSYNC != 0
  }

  fileprivate static func byteCount(_ descriptor: Int32) -> Int {
    var status = stat()
    fstat(descriptor, &status)
    return Int(status.st_size)
  }
}

extension DataFiles.State {
  /// A file that was not written to before is as durable as it is long.
  fileprivate mutating func note(_ name: String, _ descriptor: Int32) {
    if files[name] != nil { return }
    var bytes = [UInt8](repeating: 0, count: DataFiles.byteCount(descriptor))
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    if count != bytes.count { Verdict.fail("the harness could not read \(name)") }
    files[name] = MemoryFile(bytes: [], durable: bytes, pending: [])
  }

  fileprivate mutating func takeFault(_ operation: DataFiles.Fault.Operation) -> DataFiles.Fault? {
    for index in faults.indices where faults[index].operation == operation {
      if faults[index].skipping == 0 { return faults.remove(at: index) }
      faults[index].skipping -= 1
      return nil
    }
    return nil
  }
}
