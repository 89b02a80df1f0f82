import Base

@testable import TxnWAL

extension RetentionOptions {
  /// Limits for tiny segments: a hold may keep a hundred of them, and a disk is short with less than four.
  static var tiny: RetentionOptions { limited(toSegments: 100) }

  static func limited(toSegments count: Int) -> RetentionOptions {
    var options = RetentionOptions()
    options.byteLimit = count * TestLog.tinySegmentByteCount
    return options
  }
}

extension TestLog {
  var retention: Retention { coordinator.retention }

  /// A value of which four fill a tiny segment.
  static func page(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 900)
  }

  /// Commits pages over so many segments, all applied and checkpointed, so that only holds keep them. Returns the
  /// committed positions.
  @discardableResult
  func fill(segments count: Int = 1) throws -> [CommitPosition] {
    var positions: [CommitPosition] = []
    let end = watermarks.durable.advanced(by: count * MemoryDevice.tiny.capacity)
    while watermarks.durable < end {
      positions.append(try commit(Part(positions.count % 3, Self.page(positions.count))))
      try shorten()
    }
    return positions
  }

  /// Lets go of everything that only the participants keep. All segments that can be are recycled on return.
  func shorten() throws {
    apply()
    try coordinator.checkpoint(waiting: true)
  }

  /// The segments whose files have their names.
  var segmentNumbers: [Int] {
    get throws { try device.fileNames().compactMap(LogGeometry.segment(named:)).sorted() }
  }
}

/// A batch as a test compares it.
struct SeenBatch: Equatable, CustomStringConvertible {
  var sequence: UInt64
  var end: LSN
  var parts: [Part]

  var description: String {
    "\(sequence) up to \(end): \(parts.map { ($0.participant, $0.bytes.count) })"
  }
}

extension LogBatch {
  var seen: SeenBatch {
    var parts: [Part] = []
    forEachSection { participant, mutations in
      parts.append(Part(participant, [UInt8](copying: mutations)))
    }
    return SeenBatch(sequence: sequence, end: end, parts: parts)
  }
}

extension LogCursor {
  /// All batches that are durable now.
  func drain() throws -> [SeenBatch] {
    var all: [SeenBatch] = []
    while let batch = try next(wait: .zero) { all.append(batch.seen) }
    return all
  }
}
