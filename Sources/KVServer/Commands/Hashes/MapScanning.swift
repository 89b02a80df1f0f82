import Base
import KVData
import KVStore

/// HSCAN and SSCAN: a map, one page at a time, in field order.
///
/// As with the keys of SCAN, a field that is present throughout the iteration is returned once, and a cursor
/// identifies the first field of the next page.
enum MapScanning<Kind: MapKind> {
  /// A map with at most this many fields is returned in one page whatever COUNT says, as Redis does for small
  /// maps.
  private static var smallCount: Int { 128 }

  static func scan<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let cursor = ScanCursors.parse(request.extracting(call[2])) else {
      return call.reply.error("ERR invalid cursor")
    }
    guard let map = try view.map(at: request.extracting(call[1]), type: Kind.type) else {
      return reply(with: 0, ByteBuffer(), [], &call)
    }
    guard let options = ScanOptions(from: 3, allowsType: false, &call, request) else { return }
    var range = options.pattern.map { KeyRange.prefix($0.literalPrefix) } ?? .everything
    let scope = call.server.cursors.fields(of: request.extracting(call[1]))
    let first = try CursorLookup.position(of: cursor, in: scope, &call) {
      (body) throws(StoreError) in
      try map.walk(range, in: &view) { field, _ in body(field) }
    }
    if let first, range.lower.lexicographicallyPrecedes(first) { range.lower = first }
    let wanted = map.count <= smallCount ? smallCount : options.count
    let limit = min(wanted, Scanning.largestPage)
    var page = ByteBuffer()
    var elements: [Range<Int>] = []
    var seen = 0
    var next: [UInt8]?
    try map.walk(range, limit: limit + 1, skipsDamaged: true, in: &view) { field, value in
      guard seen < limit, page.count < Ordered.pageByteCount else {
        next = [UInt8](copying: field)
        return false
      }
      seen += 1
      if options.pattern?.matches(field) ?? true {
        elements.append(page.count..<page.count + field.byteCount)
        page.append(field)
        if Kind.type == .map {
          elements.append(page.count..<page.count + value.byteCount)
          page.append(value)
        }
      }
      return true
    }
    let nextCursor = next.map { call.server.cursors.handOut($0, in: scope) } ?? 0
    reply(with: nextCursor, page, elements, &call)
  }

  private static func reply(
    with cursor: UInt64, _ page: consuming ByteBuffer, _ elements: [Range<Int>],
    _ call: inout Call
  ) {
    call.reply.array(2)
    DecimalText(unsigned: cursor).withBytes { call.reply.bulk($0) }
    call.reply.array(elements.count)
    page.withBytes { bytes in
      for element in elements { call.reply.bulk(bytes.extracting(element)) }
    }
  }
}
