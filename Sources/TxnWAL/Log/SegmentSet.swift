import Base
import Synchronization

/// The segments that can be written to: those from the checkpoint on.
///
/// The header and all bytes of every segment in the set are already on disk, so syncing records never waits for the
/// file system to update file lengths and block maps.
final class SegmentSet: Sendable {
  let device: any LogDevice
  let geometry: LogGeometry
  let storeID: StoreID

  private struct State {
    var files: [Int: any LogFile]
    var last: Int
  }
  private let state: Lock<State>
  /// The LSN just after the last segment, readable without the lock.
  private let preparedEnd: Atomic<UInt64>

  init(
    device: any LogDevice, geometry: LogGeometry, storeID: StoreID, files: [Int: any LogFile],
    last: Int
  ) {
    self.device = device
    self.geometry = geometry
    self.storeID = storeID
    state = Lock(State(files: files, last: last))
    preparedEnd = Atomic(geometry.firstLSN(of: last + 1).rawValue)
  }

  /// The LSN up to which records can be written.
  var end: LSN { LSN(rawValue: preparedEnd.load(ordering: .acquiring)) }

  /// The index of the last segment.
  var lastIndex: Int { state.withLock { $0.last } }

  /// The number of segments.
  var count: Int { state.withLock { $0.files.count } }

  /// Adds the segment after the last one. Its header must be durable.
  func add(_ file: any LogFile) {
    let last = state.withLock { state in
      state.last += 1
      state.files[state.last] = file
      return state.last
    }
    preparedEnd.store(geometry.firstLSN(of: last + 1).rawValue, ordering: .releasing)
  }

  /// Removes the segments before `index` and returns their indexes.
  func remove(before index: Int) -> [Int] {
    state.withLock { state in
      let retired = state.files.keys.filter { $0 < index }.sorted()
      for index in retired { state.files[index] = nil }
      return retired
    }
  }

  func file(_ index: Int) -> (any LogFile)? {
    state.withLock { $0.files[index] }
  }

  /// Writes `bytes` at `start` and returns the range of segments written. All bytes must lie before `end`.
  func write(_ bytes: RawSpan, at start: LSN) throws(LogError) -> ClosedRange<Int> {
    precondition(start.advanced(by: bytes.byteCount) <= end)
    let first = geometry.segment(of: start)
    var last = first
    var lsn = start
    var offset = 0
    while offset < bytes.byteCount {
      let count = min(geometry.remaining(from: lsn), bytes.byteCount - offset)
      last = geometry.segment(of: lsn)
      guard let file = file(last) else { preconditionFailure("segment \(last) is missing") }
      try file.write(
        bytes.extracting(offset..<offset + count), at: geometry.fileOffset(of: lsn))
      offset += count
      lsn = lsn.advanced(by: count)
    }
    return first...last
  }

  /// Makes everything in the segments durable, including what another process wrote.
  func syncAll() throws(LogError) {
    for file in state.withLock({ Array($0.files.values) }) { try file.sync() }
  }

  /// Syncs the segments in the range.
  func sync(_ segments: ClosedRange<Int>) throws(LogError) {
    for index in segments {
      try file(index)?.sync()
    }
  }
}
