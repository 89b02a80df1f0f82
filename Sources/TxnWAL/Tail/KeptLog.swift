import Base

/// The log as a cursor may read it: from the oldest segment that is kept up to what is durable.
///
/// Reads the segment files, those in use through the log's own descriptors and older ones through one of its own.
/// Meanwhile a segment that nothing holds may be recycled. Its bytes are then those of another position: its header, or
/// the LSN and the checksum of the records in it, do not match. That is reported as `.notKept`, not as damage
/// (`HoldTable.keptStart`).
///
/// Not thread-safe: each cursor has its own.
final class KeptLog: LogSource {
  private static let pieceByteCount = 1 << 20

  private let segments: SegmentSet
  private let holds: HoldTable
  private let progress: DurableProgress
  /// The segment that was read last.
  private var opened: (index: Int, file: any LogFile)?

  init(segments: SegmentSet, holds: HoldTable, progress: DurableProgress) {
    self.segments = segments
    self.holds = holds
    self.progress = progress
  }

  var geometry: LogGeometry { segments.geometry }
  var storeID: StoreID { segments.storeID }

  /// Everything before this is durable.
  var durable: LSN { progress.durable }

  var end: LSN { DeliberateBug.cursorReadsBeyondDurable.isOn ? segments.end : durable }

  /// Reads in pieces, so that a large record does not need its memory twice.
  func read(into bytes: inout [UInt8], from start: LSN, upTo end: LSN) throws(LogError) {
    var lsn = start
    while lsn < end {
      let rest = min(geometry.remaining(from: lsn), end.distance(from: lsn))
      let count = min(rest, Self.pieceByteCount)
      let piece: [UInt8]
      do throws(LogError) {
        piece = try file(geometry.segment(of: lsn)).read(
          at: geometry.fileOffset(of: lsn), count: count)
      } catch {
        throw isKept(lsn) ? error : notKept(lsn)
      }
      guard piece.count == count else {
        throw damage(at: lsn, expected: "\(count) bytes", found: "\(piece.count) to the file's end")
      }
      bytes += piece
      lsn = lsn.advanced(by: count)
    }
  }

  private func file(_ index: Int) throws(LogError) -> any LogFile {
    if let opened, opened.index == index { return opened.file }
    opened = nil
    let file: any LogFile
    if let inUse = segments.file(index) {
      file = inUse
    } else {
      file = try SegmentFile.open(
        index, on: segments.device, geometry: geometry, storeID: storeID)
    }
    opened = (index, file)
    return file
  }

  // MARK: Errors

  func isKept(_ lsn: LSN) -> Bool { holds.isKept(lsn) }

  private func notKept(_ lsn: LSN) -> LogError { .notKept(lsn, oldest: holds.oldest) }

  /// The error for bytes at `lsn` that were not as expected: damage, or `.notKept` if the segment was recycled.
  func damage(at lsn: LSN, expected: String, found: String) -> LogError {
    guard isKept(lsn) else { return notKept(lsn) }
    let name = LogGeometry.fileName(of: geometry.segment(of: lsn))
    return .corrupted(
      Finding(
        file: "\(segments.device.path)/\(name)", offset: UInt64(geometry.fileOffset(of: lsn)),
        expected: expected, found: found))
  }
}
