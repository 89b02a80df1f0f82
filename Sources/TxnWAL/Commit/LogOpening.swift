/// Finding the segments of a log, or making a new log.
struct LogOpening {
  let control: ControlFile
  let segments: SegmentSet
  /// Segments before the checkpoint, which may be written again.
  let retired: [Int]

  /// Makes an empty log. The control file comes last: without it there is no log.
  static func create(
    on device: any LogDevice, storeID: StoreID, segmentByteCount: Int
  ) throws(LogError) {
    let header = SegmentHeader(
      storeID: storeID, segmentByteCount: segmentByteCount, firstLSN: .zero)
    _ = try SegmentFile.create(LogGeometry.fileName(of: 0), on: device, header)
    try device.syncDirectory()
    try ControlFile.create(
      on: device, Control(storeID: storeID, segmentByteCount: segmentByteCount))
  }

  /// Whether the folder holds a log.
  static func exists(on device: any LogDevice) throws(LogError) -> Bool {
    try device.fileNames().contains(Control.fileName)
  }

  /// Opens what is there; every segment that may hold something that is needed must be.
  static func open(on device: any LogDevice) throws(LogError) -> LogOpening {
    let file = try ControlFile.open(on: device)
    let control = file.control
    let geometry = LogGeometry(segmentByteCount: control.segmentByteCount)
    let last = control.lastSegment
    let first = min(geometry.segment(of: control.checkpoint), last)
    let names = try device.fileNames()
    let present = Set(names.compactMap(LogGeometry.segment(named:)))
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
    var retired: [Int] = []
    for index in present.sorted() where files[index] == nil {
      // Behind the last one stands only what a crash left between a renaming and its entry in the
      // control file; before the first only what nobody needs.
      let file = try device.open(LogGeometry.fileName(of: index), creating: false)
      if index < first, retired.isEmpty, try file.byteCount() == control.segmentByteCount {
        retired.append(index)
      } else {
        try device.remove(LogGeometry.fileName(of: index))
      }
    }
    for name in names where name.hasSuffix(".tmp") { try device.remove(name) }
    let segments = SegmentSet(
      device: device, geometry: geometry, storeID: control.storeID, files: files, last: last)
    return LogOpening(control: file, segments: segments, retired: retired)
  }
}
