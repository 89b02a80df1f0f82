import Base

/// The first page of every segment, little-endian:
///
///     offset  size  field
///          0     8  magic "KVDLOG\r\n"
///          8     4  format version, 1
///         12     4  zero
///         16    16  store id
///         32     8  segment byte count, header page included
///         40     8  first LSN: the position of the byte just after this page
///         48     4  CRC-32C over bytes 0..<48
///
/// The rest of the page is zero. A whole page for the header keeps records page-aligned in the file.
struct SegmentHeader: Equatable {
  static let byteCount = 4096
  static let magic: [UInt8] = Array("KVDLOG\r\n".utf8)
  static let version: UInt32 = 1
  private static let checksumOffset = 48

  var storeID: StoreID
  var segmentByteCount: Int
  var firstLSN: LSN

  func encoded() -> [UInt8] {
    var bytes = Self.magic
    bytes.appendLittleEndian(Self.version)
    bytes.appendLittleEndian(0 as UInt32)
    bytes += storeID.bytes
    bytes.appendLittleEndian(UInt64(segmentByteCount))
    bytes.appendLittleEndian(firstLSN.rawValue)
    bytes.appendLittleEndian(CRC32C.checksum(bytes.rawSpan))
    bytes += [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
    return bytes
  }

  /// Decodes the header from `bytes`, which were read from the beginning of `path`.
  static func decode(_ bytes: [UInt8], path: String) throws(LogError) -> SegmentHeader {
    guard bytes.count >= byteCount else {
      throw .corrupted(
        Finding(
          file: path, offset: 0, expected: "a segment header of \(byteCount) bytes",
          found: "a file of \(bytes.count) bytes"))
    }
    let span = bytes.rawSpan
    guard Array(bytes[0..<8]) == magic else {
      throw .unsupportedFormat(path: path, found: "no segment magic", supported: "kvd log 1")
    }
    let found = span.load(at: 8, as: UInt32.self)
    guard found == version else {
      throw .unsupportedFormat(path: path, found: "\(found)", supported: "\(version)")
    }
    let checksum = CRC32C.checksum(span.extracting(0..<checksumOffset))
    let stored = span.load(at: checksumOffset, as: UInt32.self)
    guard checksum == stored else {
      throw .corrupted(
        Finding(
          file: path, offset: UInt64(checksumOffset), expected: "checksum \(checksum)",
          found: "\(stored)"))
    }
    return SegmentHeader(
      storeID: StoreID(span.extracting(16..<32)),
      segmentByteCount: Int(truncatingIfNeeded: span.load(at: 32, as: UInt64.self)),
      firstLSN: LSN(rawValue: span.load(at: 40, as: UInt64.self)))
  }
}
