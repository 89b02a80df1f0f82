import Base
import KVData
import KVStore

/// kvd's own commands on the order of a hash's fields. Bounds, pages and replies are those of KV.RANGE.
enum HashRanges {
  static let commands: [Command] = [
    Command(
      "kv.hrange", arity: -4, [.readOnly, .scans], keys: .one, group: "kvd",
      "Get a range of a hash's fields in order: key start end [LIMIT n] [REV] [FIELDS]",
      categories: .hash, keySpecs: [KeySpec(.reading, at: 1)], .cut(range, range)),
    Command(
      "kv.hprefix", arity: -3, [.readOnly, .scans], keys: .one, group: "kvd",
      "Get the fields of a hash that have a prefix: key prefix [LIMIT n] [REV] [FIELDS]",
      categories: .hash, keySpecs: [KeySpec(.reading, at: 1)], .cut(prefix, prefix)),
  ]

  static func range<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard
      let options = PageOptions(from: 4, allowsReverse: true, keys: "FIELDS", &call, request)
    else { return }
    let range = Ordered.bounds(request.extracting(call[2]), request.extracting(call[3]))
    try reply(with: range, options, &view, &call, request)
  }

  static func prefix<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard
      let options = PageOptions(from: 3, allowsReverse: true, keys: "FIELDS", &call, request)
    else { return }
    let range = KeyRange.prefix([UInt8](copying: request.extracting(call[2])))
    try reply(with: range, options, &view, &call, request)
  }

  private static func reply<V: EntryView & ~Copyable>(
    with range: KeyRange?, _ options: PageOptions, _ view: inout V, _ call: inout Call,
    _ request: RawSpan
  ) throws(StoreError) {
    let map = try view.map(at: request.extracting(call[1]))
    let start = call.reply.count
    var elements = 0
    if let map, let range {
      try map.walk(range, reverse: options.isReverse, limit: options.limit, in: &view) {
        field, value in
        call.reply.bulk(field)
        elements += 1
        if !options.keysOnly {
          call.reply.bulk(value)
          elements += 1
        }
        return call.reply.count - start < Ordered.pageByteCount && !call.reply.isOverflowing
      }
    }
    call.reply.insertArrayHeader(elements, at: start)
  }
}
