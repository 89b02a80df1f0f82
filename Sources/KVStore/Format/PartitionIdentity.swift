import Base
import TxnWAL

/// Identifies an LMDB file as one partition of one store. Written when the file is created and compared at
/// every open, so that a swapped or foreign file is refused.
///
///     offset  size  field
///          0     4  CRC-32C over the rest
///          4     4  partition index
///          8    16  store id
struct PartitionIdentity: Sendable, Equatable {
  static let byteCount = 24

  var storeID: StoreID
  var partitionIndex: Int

  func encode() -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(UInt32(partitionIndex))
    body += storeID.bytes
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum())
    return bytes + body
  }

  /// - Throws: `.corrupted`, naming `file`.
  static func decode(_ bytes: RawSpan, file: String) throws(StoreError) -> PartitionIdentity {
    guard bytes.byteCount == byteCount,
      bytes.load(at: 0, as: UInt32.self)
        == CRC32C.checksum(bytes.extracting(4..<bytes.byteCount))
    else {
      throw .corrupted(
        Finding(
          file: file, expected: "a partition identity of \(byteCount) bytes with a valid checksum",
          found: "\(bytes.byteCount) bytes that fail verification"))
    }
    return PartitionIdentity(
      storeID: StoreID(bytes.extracting(8..<24)),
      partitionIndex: Int(bytes.load(at: 4, as: UInt32.self)))
  }
}

extension PartitionIdentity: CustomStringConvertible {
  var description: String { "partition \(partitionIndex) of store \(storeID)" }
}
