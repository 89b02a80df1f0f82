import Base

/// Opens the files of a log, or creates a new log.
struct LogOpening {
  let control: ControlFile
  let segments: SegmentSet
  /// Segments before the checkpoint's: those that holds need, and those available for reuse.
  let old: OldSegments
  /// The holds, as the file has them.
  let holds: [StoredHold]
  /// Unneeded files left by a crash.
  private let leftovers: [String]

  /// Creates an empty log. The control file comes last: without it there is no log.
  static func create(
    on device: any LogDevice, storeID: StoreID, segmentByteCount: Int, sequence: UInt64 = 0
  ) throws(LogError) {
    let header = SegmentHeader(
      storeID: storeID, segmentByteCount: segmentByteCount, firstLSN: .zero)
    CrashPoint.reached(.logBeforeSegment)
    _ = try SegmentFile.create(LogGeometry.fileName(of: 0), on: device, header)
    CrashPoint.reached(.logAfterSegment)
    try device.syncDirectory()
    CrashPoint.reached(.logAfterDirectorySync)
    try ControlFile.create(
      on: device,
      Control(storeID: storeID, segmentByteCount: segmentByteCount, sequence: sequence))
    CrashPoint.reached(.logAfterCreation)
  }

  /// Whether the directory holds a log. Throws if it holds remains of a log whose control file is missing: creating
  /// a new log over them would destroy their contents.
  static func exists(on device: any LogDevice) throws(LogError) -> Bool {
    let names = try device.fileNames()
    if names.contains(Control.fileName) { return true }
    for name in names {
      guard let index = LogGeometry.segment(named: name) else { continue }
      // A crash during creation leaves only the first segment, without records.
      let start = try device.open(name, creating: false)
        .read(at: SegmentHeader.byteCount, count: RecordHeader.byteCount)
      guard index == 0, start.allSatisfy({ $0 == 0 }) else {
        throw .corrupted(
          Finding(
            file: "\(device.path)/\(Control.fileName)", offset: 0,
            expected: "the control file of the log that \(name) belongs to",
            found: "no such file"))
      }
    }
    return false
  }

  /// Opens the existing files. Every segment from the checkpoint on must exist. Changes nothing.
  ///
  /// The holds are read before anything is taken for unneeded. If a segment that one of them needs is missing, that
  /// hold is lost (`holdTable`); the log itself does not need it.
  static func open(on device: any LogDevice, storeID: StoreID) throws(LogError) -> LogOpening {
    // A killed process may have left names that are visible but not durable.
    try device.syncDirectory()
    let file = try ControlFile.open(on: device)
    let control = file.control
    guard control.storeID == storeID else {
      throw .corrupted(
        Finding(
          file: "\(device.path)/\(Control.fileName)", offset: 24, expected: "store \(storeID)",
          found: "store \(control.storeID)"))
    }
    let geometry = LogGeometry(segmentByteCount: control.segmentByteCount)
    let names = try device.fileNames()
    let present = Set(names.compactMap(LogGeometry.segment(named:)))
    // A segment is renamed into place only after all of it is durable, so one after the last that the control file
    // names is as good as the others. It may even hold records, if the newer slot is damaged.
    let last = max(control.lastSegment, present.max() ?? 0)
    let first = min(geometry.segment(of: control.checkpoint), last)
    var files: [Int: any LogFile] = [:]
    for index in first...last {
      guard present.contains(index) else {
        throw .corrupted(
          Finding(
            file: "\(device.path)/\(LogGeometry.fileName(of: index))", offset: 0,
            expected: "a segment of the log", found: "no such file"))
      }
      files[index] = try SegmentFile.open(
        index, on: device, geometry: geometry, storeID: control.storeID)
    }
    let holds = try HoldsFile.read(from: device, of: storeID)
    let held = try heldSegments(holds, before: first, of: present, on: device, control)
    var retired: [Int] = []
    var leftovers = names.filter { $0.hasSuffix(".tmp") }
    for index in present.sorted() where index < held.first ?? first {
      let name = LogGeometry.fileName(of: index)
      let file = try device.open(name, creating: false)
      if retired.count < OldSegments.retainedCount,
        try file.byteCount() == control.segmentByteCount
      {
        retired.append(index)
      } else {
        leftovers.append(name)
      }
    }
    let segments = SegmentSet(
      device: device, geometry: geometry, storeID: control.storeID, files: files, last: last)
    return LogOpening(
      control: file, segments: segments,
      old: OldSegments(device: device, held: held, retired: retired), holds: holds,
      leftovers: leftovers)
  }

  /// The segments before `first` that `holds` need, ascending: from the last one down to the first that is missing, or
  /// that a crash left in the middle of being recycled.
  private static func heldSegments(
    _ holds: [StoredHold], before first: Int, of present: Set<Int>, on device: any LogDevice,
    _ control: Control
  ) throws(LogError) -> [Int] {
    let geometry = LogGeometry(segmentByteCount: control.segmentByteCount)
    let inForce = holds.filter { $0.loss == nil }
    guard let least = inForce.map({ geometry.segment(of: $0.position) }).min() else { return [] }
    var held: [Int] = []
    for index in stride(from: first - 1, through: least, by: -1) {
      guard present.contains(index) else { break }
      do throws(LogError) {
        _ = try SegmentFile.open(index, on: device, geometry: geometry, storeID: control.storeID)
      } catch .corrupted, .unsupportedFormat {
        break
      } catch {
        throw error
      }
      held.append(index)
    }
    return held.reversed()
  }

  /// The holds on this log, which ends at `end`.
  func holdTable(end: LSN, byteLimit: Int = .max) -> HoldTable {
    let checkpoint = control.control.checkpoint
    let geometry = segments.geometry
    let needed = min(geometry.segment(of: checkpoint), segments.lastIndex)
    return HoldTable(
      holds, geometry: geometry, checkpoint: checkpoint, needed: needed,
      kept: old.held.first ?? needed, end: end, byteLimit: byteLimit)
  }

  /// Begins a new epoch after what recovery found, and removes unneeded files.
  ///
  /// The epoch is durable before any record carries it: what a crash leaves of its first group must not look like
  /// part of the next epoch's. If a slot of the control file is invalid, the epoch that it may have named is
  /// skipped.
  ///
  /// Returns the sequence after which those of the epoch begin.
  func begin(
    after recovered: Recovered, _ durability: Durability
  ) throws(LogError) -> UInt64 {
    let step: UInt32 = control.wereBothWhole ? 1 : 2
    let last = segments.lastIndex
    let sequence = sequence(after: recovered)
    CrashPoint.reached(.epochBeforeWrite)
    try control.update { control in
      if !DeliberateBug.reusesTransactionIDs.isOn {
        control.epoch = max(control.epoch + step, recovered.epoch + 1)
      }
      control.lastSegment = last
      control.sequence = sequence
      control.mayHaveLostBatches = durability == .periodic
    }
    CrashPoint.reached(.epochAfterWrite)
    // Only after the update: the control file that was read may not have been durable before.
    for name in leftovers {
      try segments.device.remove(name)
      CrashPoint.reached(.leftoverAfterRemoval)
    }
    return sequence
  }

  /// A sequence not less than that of any batch that a client may know of, lost batches included: a client that has
  /// seen a sequence must not find other content under it.
  ///
  /// Lost batches lay between the end of the log as found and the end of the last segment, so there were at most as
  /// many as fit there. The sequence of `recovered` is not less than the one at which the previous epoch began,
  /// because the control file stored that before any record was written. O(1).
  private func sequence(after recovered: Recovered) -> UInt64 {
    let newest = recovered.report.lastSequence
    if DeliberateBug.reusesSequences.isOn { return newest }
    guard control.control.mayHaveLostBatches || !control.wereBothWhole else { return newest }
    let least = RecordHeader.leastBatchByteCount
    var skipped = segments.end.distance(from: recovered.report.end) / least
    if !control.wereBothWhole {
      // The lost slot may have named the beginning of another epoch, which was determined in the same way.
      skipped += segments.end.distance(from: control.control.checkpoint) / least
    }
    return newest + UInt64(skipped)
  }
}
