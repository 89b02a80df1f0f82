import Base
import TxnWAL

/// Describes a store, and the least size and applied LSN of each of its partitions. Little-endian.
///
///     offset  size  field
///          0     8  "KVDSTORE"
///          8     4  format version (3)
///         12     4  byte count of the whole manifest
///         16    16  store id
///         32     4  partition count, 1…1024
///         36     4  slot hash (`SlotHash`)
///         40     8  segment byte count of the log
///         48     8  creation time, milliseconds since 1970
///         56     8  marks (`StoreMark`), a bit each
///         64  24×n  per partition: index u32, zero u32, least file byte count u64,
///                   least applied LSN u64
///          …     4  CRC-32C over everything before
///
/// Every version begins with the first three fields and ends with the checksum, so that damage can be told
/// from a later format.
struct Manifest: Sendable, Equatable {
  static let formatVersion: UInt32 = 3
  static let partitionCountRange = 1...1024

  private static let magic = Array("KVDSTORE".utf8)
  private static let headerByteCount = 64
  private static let partitionByteCount = 24
  private static let checksumByteCount = 4

  /// How a key becomes a hash slot. It must never change in a store that has keys.
  enum SlotHash: UInt32, Sendable {
    /// CRC-16 of the key or its `{tag}`, modulo 16384, as in Redis Cluster.
    case redisCluster = 1
  }

  /// A file that is smaller, or has a lower applied LSN, is not the same partition.
  struct Partition: Sendable, Equatable {
    var leastFileByteCount: UInt64 = 0
    var leastAppliedLSN: UInt64 = 0
  }

  var storeID: StoreID
  var slotHash = SlotHash.redisCluster
  var segmentByteCount: UInt64
  var creationMilliseconds: UInt64
  /// One bit for each `StoreMark` that is set.
  var marks: UInt64 = 0
  /// Indexed by partition; 1…1024 elements.
  var partitions: [Partition]

  func encode() -> [UInt8] {
    precondition(Self.partitionCountRange.contains(partitions.count))
    let byteCount =
      Self.headerByteCount + Self.partitionByteCount * partitions.count + Self.checksumByteCount
    var bytes = Self.magic
    bytes.reserveCapacity(byteCount)
    bytes.appendLittleEndian(Self.formatVersion)
    bytes.appendLittleEndian(UInt32(byteCount))
    bytes += storeID.bytes
    bytes.appendLittleEndian(UInt32(partitions.count))
    bytes.appendLittleEndian(slotHash.rawValue)
    bytes.appendLittleEndian(segmentByteCount)
    bytes.appendLittleEndian(creationMilliseconds)
    bytes.appendLittleEndian(marks)
    for (index, partition) in partitions.enumerated() {
      bytes.appendLittleEndian(UInt32(index))
      bytes.appendLittleEndian(UInt32(0))
      bytes.appendLittleEndian(partition.leastFileByteCount)
      bytes.appendLittleEndian(partition.leastAppliedLSN)
    }
    bytes.appendLittleEndian(bytes.checksum())
    return bytes
  }

  /// - Throws: `.corrupted` for any damage, `.unsupportedFormat` for a valid manifest of another version or
  ///   slot hash.
  static func decode(_ bytes: RawSpan, file: String) throws(StoreError) -> Manifest {
    try checkFrame(bytes, file: file)
    let version = bytes.load(at: 8, as: UInt32.self)
    guard version == formatVersion else {
      let note = version < 3 ? ", written by an earlier kvd, without keyspaces" : ""
      throw .unsupportedFormat(
        path: file, found: "version \(version)\(note)", supported: "version \(formatVersion)")
    }
    let slotHashField = bytes.load(at: 36, as: UInt32.self)
    guard let slotHash = SlotHash(rawValue: slotHashField) else {
      throw .unsupportedFormat(
        path: file, found: "slot hash \(slotHashField)",
        supported: "slot hash \(SlotHash.redisCluster.rawValue)")
    }
    return Manifest(
      storeID: StoreID(bytes.extracting(16..<32)), slotHash: slotHash,
      segmentByteCount: bytes.load(at: 40, as: UInt64.self),
      creationMilliseconds: bytes.load(at: 48, as: UInt64.self),
      marks: bytes.load(at: 56, as: UInt64.self),
      partitions: try decodePartitions(bytes, file: file))
  }

  /// Checks what all versions have in common.
  private static func checkFrame(_ bytes: RawSpan, file: String) throws(StoreError) {
    let leastByteCount = headerByteCount + checksumByteCount
    guard bytes.byteCount >= leastByteCount else {
      throw damage(file, 0, "at least \(leastByteCount) bytes", "\(bytes.byteCount) bytes")
    }
    guard Array(copying: bytes.extracting(0..<8)) == magic else {
      throw damage(file, 0, "\"KVDSTORE\"", "other bytes")
    }
    let byteCount = bytes.load(at: 12, as: UInt32.self)
    guard Int(byteCount) == bytes.byteCount else {
      throw damage(file, 12, "the byte count \(bytes.byteCount)", "\(byteCount)")
    }
    let end = bytes.byteCount - checksumByteCount
    let sum = CRC32C.checksum(bytes.extracting(0..<end))
    let stored = bytes.load(at: end, as: UInt32.self)
    guard sum == stored else {
      throw damage(file, end, "CRC-32C \(stored)", "\(sum)")
    }
  }

  private static func decodePartitions(_ bytes: RawSpan, file: String) throws(StoreError)
    -> [Partition]
  {
    let room = bytes.byteCount - headerByteCount - checksumByteCount
    let count = Int(bytes.load(at: 32, as: UInt32.self))
    guard partitionCountRange.contains(count), count * partitionByteCount == room else {
      throw damage(
        file, 32, "a partition count that matches \(room) bytes of partition records", "\(count)")
    }
    var partitions: [Partition] = []
    for index in 0..<count {
      let offset = headerByteCount + index * partitionByteCount
      let field = bytes.load(at: offset, as: UInt64.self)
      guard field == UInt64(index) else {
        throw damage(file, offset, "partition index \(index)", "\(field)")
      }
      partitions.append(
        Partition(
          leastFileByteCount: bytes.load(at: offset + 8, as: UInt64.self),
          leastAppliedLSN: bytes.load(at: offset + 16, as: UInt64.self)))
    }
    return partitions
  }

  private static func damage(
    _ file: String, _ offset: Int, _ expected: String, _ found: String
  ) -> StoreError {
    .corrupted(
      Finding(file: file, offset: UInt64(offset), expected: expected, found: found))
  }
}
