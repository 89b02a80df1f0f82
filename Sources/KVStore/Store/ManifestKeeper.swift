import Base
import TxnWAL

/// Keeps the manifest's floors up to date: the least size and applied LSN that each partition can have from
/// here on. A partition that is below its floor at the next open is not the one that was written.
final class ManifestKeeper: Sendable {
  private struct State {
    var manifest: Manifest
    var checkpoint: LSN
  }

  private let directory: String
  private let partitions: [Partition]
  private let state: Lock<State>
  let storeID: StoreID

  init(directory: String, manifest: Manifest, partitions: [Partition], checkpoint: LSN) {
    self.directory = directory
    self.partitions = partitions
    storeID = manifest.storeID
    state = Lock(State(manifest: manifest, checkpoint: checkpoint))
  }

  /// Writes the manifest if the checkpoint has moved by a segment since the last write.
  func noteProgress(of checkpoint: LSN) throws(StoreError) {
    let isDue = state.withLock { state in
      checkpoint.rawValue >= state.checkpoint.rawValue + state.manifest.segmentByteCount
    }
    if isDue { try write() }
  }

  var marks: UInt64 { state.withLock { $0.manifest.marks } }

  /// Adds marks. Durable on return.
  func setMarks(_ marks: UInt64) throws(StoreError) {
    try state.withLock { state throws(StoreError) in
      var manifest = state.manifest
      manifest.marks |= marks
      if manifest == state.manifest { return }
      try ManifestFile.write(manifest, in: directory)
      state.manifest = manifest
    }
  }

  func write() throws(StoreError) {
    var floors: [Manifest.Partition] = []
    for partition in partitions {
      let applied = partition.applied.rawValue
      floors.append(
        Manifest.Partition(
          leastFileByteCount: partition.environment.durableByteCount, leastAppliedLSN: applied))
    }
    try state.withLock { state throws(StoreError) in
      var manifest = state.manifest
      manifest.partitions = floors
      if manifest == state.manifest { return }
      try ManifestFile.write(manifest, in: directory)
      state.manifest = manifest
      state.checkpoint = LSN(rawValue: floors.map(\.leastAppliedLSN).min() ?? 0)
    }
  }
}
