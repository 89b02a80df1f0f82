import Base

/// What the segment keeper does about holds: writes their file, enforces their limits, and determines which segments
/// they keep. Belongs to the keeper's thread.
///
/// The file is written before segments are recycled that the holds in it need, so at most once for each segment that
/// becomes free. If it cannot be written, those segments stay.
struct HoldKeeping {
  let table: HoldTable
  private let device: any LogDevice
  private let storeID: StoreID
  private let leastFreeByteCount: Int
  /// Why the file could not be written the last time; nil if it was.
  private(set) var saveFailure: LogError?

  init(table: HoldTable, segments: SegmentSet, options: RetentionOptions) {
    self.table = table
    device = segments.device
    storeID = segments.storeID
    leastFreeByteCount = options.leastFreeByteCount(
      segmentByteCount: segments.geometry.segmentByteCount)
  }

  /// Writes the file. O(holds).
  mutating func save() {
    let snapshot = table.snapshot()
    do throws(LogError) {
      try HoldsFile.write(snapshot.map(\.stored), of: storeID, on: device)
      table.saved(snapshot)
      saveFailure = nil
    } catch {
      table.saveFailed()
      saveFailure = error
    }
  }

  /// Loses holds that are over the limit, writes the file if that frees segments, and returns the first segment that
  /// is kept from now on.
  ///
  /// A loss need not be in the file before segments are recycled: after a crash, the missing segments tell.
  mutating func firstKeptSegment(checkpoint: LSN, last: Int) -> Int {
    table.loseHoldsOverLimit(checkpoint: checkpoint, last: last)
    if !DeliberateBug.recyclesBeforeSavingHolds.isOn, table.isWorthSaving(checkpoint: checkpoint) {
      save()
    }
    return table.raiseKeptStart(checkpoint: checkpoint, last: last)
  }

  /// The error of appends while a hold that may not be lost keeps too much; nil otherwise.
  var refusal: LogError? { table.refusal }

  /// Whether so little disk space is free that holds must not keep segments. False if the system does not tell.
  var isDiskShort: Bool {
    guard let free = try? device.availableByteCount() else { return false }
    return free < leastFreeByteCount
  }
}
