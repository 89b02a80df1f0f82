/// A file's bytes as programs see them, and as a power cut would find them.
package struct MemoryFile {
  package static let sectorByteCount = 512

  /// A write that no sync has covered yet.
  package struct Write {
    /// Its place among all writes of the device.
    package var order: Int
    package var offset: Int
    package var bytes: [UInt8]

    package init(order: Int, offset: Int, bytes: [UInt8]) {
      self.order = order
      self.offset = offset
      self.bytes = bytes
    }
  }

  /// What a read returns.
  package var bytes: [UInt8] = []
  /// What survives a power cut for certain.
  package var durable: [UInt8] = []
  package var pending: [Write] = []

  package init(bytes: [UInt8] = [], durable: [UInt8] = [], pending: [Write] = []) {
    self.bytes = bytes
    self.durable = durable
    self.pending = pending
  }

  package mutating func write(_ new: [UInt8], at offset: Int, order: Int) {
    Self.overlay(new, on: &bytes, at: offset)
    pending.append(Write(order: order, offset: offset, bytes: new))
  }

  /// `write` is on the disk, whatever of the writes before it is.
  package mutating func keep(_ write: Write) {
    Self.overlay(write.bytes, on: &durable, at: write.offset)
  }

  package mutating func sync() {
    for write in pending { Self.overlay(write.bytes, on: &durable, at: write.offset) }
    pending = []
  }

  /// A sync that fails: the pages are clean from now on, whether they reached the disk or not.
  package mutating func failSync(_ generator: inout SeededGenerator) {
    for write in pending {
      for sector in write.sectors where Bool.random(using: &generator) {
        Self.overlay(sector.bytes, on: &durable, at: sector.offset)
      }
    }
    pending = []
  }

  package static func overlay(_ new: [UInt8], on bytes: inout [UInt8], at offset: Int) {
    if new.isEmpty { return }
    let end = offset + new.count
    if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
    bytes.withUnsafeMutableBytes { target in
      new.withUnsafeBytes { source in
        target.baseAddress!.advanced(by: offset)
          .copyMemory(from: source.baseAddress!, byteCount: source.count)
      }
    }
  }
}

extension MemoryFile.Write {
  /// The write in pieces of which a disk keeps each wholly or not at all.
  package var sectors: [MemoryFile.Write] {
    var pieces: [MemoryFile.Write] = []
    var start = offset
    let end = offset + bytes.count
    while start < end {
      let size = MemoryFile.sectorByteCount
      let stop = min(end, (start / size + 1) * size)
      pieces.append(
        MemoryFile.Write(
          order: order, offset: start, bytes: Array(bytes[start - offset..<stop - offset])))
      start = stop
    }
    return pieces
  }

  /// The first `count` bytes of the write.
  package func prefix(_ count: Int) -> MemoryFile.Write {
    MemoryFile.Write(order: order, offset: offset, bytes: Array(bytes.prefix(count)))
  }
}
