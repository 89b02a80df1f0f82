@testable import TxnWAL

/// Changing the bytes of a closed log by position, and looking at its records.
extension MemoryDevice {
  static let tiny = LogGeometry(segmentByteCount: TestLog.tinySegmentByteCount)

  /// The file that holds the byte at `lsn`.
  static func fileName(at lsn: LSN, _ geometry: LogGeometry = tiny) -> String {
    LogGeometry.fileName(of: geometry.segment(of: lsn))
  }

  /// The log's bytes in `range`, as they read.
  func logBytes(_ range: Range<LSN>, _ geometry: LogGeometry = tiny) -> [UInt8] {
    var result: [UInt8] = []
    var lsn = range.lowerBound
    while lsn < range.upperBound {
      let count = min(geometry.remaining(from: lsn), range.upperBound.distance(from: lsn))
      let offset = geometry.fileOffset(of: lsn)
      guard let file = bytes(of: Self.fileName(at: lsn, geometry)) else { return result }
      result += file[offset..<offset + count]
      lsn = lsn.advanced(by: count)
    }
    return result
  }

  /// Replaces the log's bytes from `lsn` on, durably, as far as there are segments.
  func overwrite(_ new: [UInt8], at lsn: LSN, _ geometry: LogGeometry = tiny) {
    var lsn = lsn
    var rest = new[...]
    while !rest.isEmpty {
      let count = min(geometry.remaining(from: lsn), rest.count)
      let offset = geometry.fileOffset(of: lsn)
      damage(Self.fileName(at: lsn, geometry)) { file in
        file.replaceSubrange(offset..<offset + count, with: rest.prefix(count))
      }
      rest = rest.dropFirst(count)
      lsn = lsn.advanced(by: count)
    }
  }

  /// Flips one bit of the byte at `lsn`.
  func flip(at lsn: LSN, _ geometry: LogGeometry = tiny) {
    let offset = geometry.fileOffset(of: lsn)
    damage(Self.fileName(at: lsn, geometry)) { $0[offset] ^= 1 << UInt8(lsn.rawValue % 8) }
  }

  /// The headers of the sound records from `start` on, as recovery would read them.
  func records(from start: LSN, storeID: StoreID = TestLog.storeID) throws -> [RecordHeader] {
    let opening = try LogOpening.open(on: image(.keeps), storeID: storeID)
    var reader = LogReader(opening.segments, from: start, leastEpoch: 0)
    var headers: [RecordHeader] = []
    while let record = try reader.next() { headers.append(record.header) }
    return headers
  }
}

extension MemoryDevice {
  /// Whether a power cut now would leave the log's bytes in `range` as they read.
  func isDurable(_ range: Range<LSN>, _ geometry: LogGeometry = tiny) -> Bool {
    var lsn = range.lowerBound
    while lsn < range.upperBound {
      let count = min(geometry.remaining(from: lsn), range.upperBound.distance(from: lsn))
      let offset = geometry.fileOffset(of: lsn)
      guard isDurable(offset..<offset + count, of: Self.fileName(at: lsn, geometry)) else {
        return false
      }
      lsn = lsn.advanced(by: count)
    }
    return true
  }
}

extension Coordinator {
  /// Where the log's positions lie in its files.
  var geometry: LogGeometry { LogGeometry(segmentByteCount: segmentByteCount) }
}
