import Base
import KVData
import KVStore

/// BITFIELD and BITFIELD_RO: integers of any width at any position in a string, changed atomically.
enum BitFields {
  static let commands: [Command] = [
    Command(
      "bitfield", arity: -2, [.write, .readsFirst], keys: .one, group: "bitmap",
      "Perform arbitrary bitfield integer operations on strings", .write(change)),
    Command(
      "bitfield_ro", arity: -2, [.readOnly, .fast], keys: .one, group: "bitmap",
      "Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD",
      .read(look, look)),
  ]

  static func look<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let operations = BitFieldOperation.parse(&call, request) else { return }
    guard !operations.contains(where: \.writes) else {
      return call.reply.error("ERR BITFIELD_RO only supports the GET subcommand")
    }
    try view.withValue(of: request.extracting(call[1])) { value in
      reply(operations, value, &call)
    }
  }

  /// As in Redis, the string grows to hold every field that is to be written, even if every write overflows and
  /// fails. Otherwise it is written only if it has changed.
  static func change(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let operations = BitFieldOperation.parse(&call, request) else { return }
    let key = request.extracting(call[1])
    guard let end = operations.lazy.filter(\.writes).map(\.end).max() else {
      return try evaluation.withValue(of: key) { reply(operations, $0, &call) }
    }
    let byteCount = (end + 7) >> 3
    var bytes: [UInt8] = []
    var isChanged = false
    let expiry = try Records.withString(at: key, in: &evaluation) { value, expiry in
      if byteCount <= Limits.valueByteCount {
        bytes = [UInt8](copying: value, growingTo: byteCount)
        isChanged = bytes.count > value?.byteCount ?? 0
      }
      return expiry
    }
    guard byteCount <= Limits.valueByteCount else { return call.stringTooLong() }
    call.reply.array(operations.count)
    for operation in operations {
      let old = operation.field.read(bytes.rawSpan, at: operation.offset)
      if let number = operation.run(on: &bytes) {
        call.reply.integer(number)
      } else {
        call.reply.null()
      }
      if operation.writes, operation.field.read(bytes.rawSpan, at: operation.offset) != old {
        isChanged = true
      }
    }
    if isChanged { try Records.rewrite(key, with: bytes.rawSpan, keeping: expiry, in: &evaluation) }
  }

  /// Replies with the numbers that read-only operations find in `value`.
  private static func reply(
    _ operations: [BitFieldOperation], _ value: RawSpan?, _ call: inout Call
  ) {
    call.reply.array(operations.count)
    for operation in operations {
      call.reply.integer(operation.field.read(value, at: operation.offset))
    }
  }
}
