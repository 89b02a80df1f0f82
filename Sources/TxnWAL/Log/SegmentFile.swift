import Base

/// Creates segment files, and checks them on opening.
enum SegmentFile {
  private static let zeroByteCount = 1 << 20

  /// Creates a segment called `name`, filled with zeros. Its contents are durable on return, its name is not.
  ///
  /// Throws `.diskFull`, with nothing written, if the disk would keep less free than the margin: the last free
  /// bytes are for other programs, and for the participants, which need a little space to let the log shrink.
  static func create(
    _ name: String, on device: any LogDevice, _ header: SegmentHeader
  ) throws(LogError) -> any LogFile {
    if try device.fileNames().contains(name) { try device.remove(name) }
    let margin = LogGeometry(segmentByteCount: header.segmentByteCount).marginByteCount
    guard try device.availableByteCount() - header.segmentByteCount >= margin else {
      throw .diskFull(IOError(noSpaceTo: "create", "\(device.path)/\(name)"))
    }
    let file = try device.open(name, creating: true)
    try file.write(header.encoded().rawSpan, at: 0)
    let zeros = [UInt8](repeating: 0, count: zeroByteCount)
    var offset = SegmentHeader.byteCount
    while offset < header.segmentByteCount {
      let count = min(zeros.count, header.segmentByteCount - offset)
      try file.write(zeros.rawSpan.extracting(0..<count), at: offset)
      offset += count
    }
    try file.sync()
    return file
  }

  /// Opens segment `index` and checks its length and header.
  static func open(
    _ index: Int, on device: any LogDevice, geometry: LogGeometry, storeID: StoreID
  ) throws(LogError) -> any LogFile {
    let file = try device.open(LogGeometry.fileName(of: index), creating: false)
    let byteCount = try file.byteCount()
    guard byteCount == geometry.segmentByteCount else {
      throw .corrupted(
        Finding(
          file: file.path, offset: UInt64(byteCount),
          expected: "a segment of \(geometry.segmentByteCount) bytes",
          found: "the end of the file"))
    }
    let bytes = try file.read(at: 0, count: SegmentHeader.byteCount)
    let found = try SegmentHeader.decode(bytes, path: file.path)
    let expected = SegmentHeader(
      storeID: storeID, segmentByteCount: geometry.segmentByteCount,
      firstLSN: geometry.firstLSN(of: index))
    guard found == expected else {
      throw .corrupted(
        Finding(
          file: file.path, offset: 16,
          expected: "store \(expected.storeID), first LSN \(expected.firstLSN)",
          found: "store \(found.storeID), first LSN \(found.firstLSN)"))
    }
    return file
  }
}
