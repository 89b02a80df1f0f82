import KVData
import KVStore

/// SINTER, SUNION and SDIFF, their storing forms, and SINTERCARD.
enum SetAlgebra {
  static let commands: [Command] = [
    Command(
      "sinter", arity: -2, [.readOnly, .scans], keys: .all, group: "set",
      "Intersect multiple sets", .cut(intersect, intersect)),
    Command(
      "sunion", arity: -2, [.readOnly, .scans], keys: .all, group: "set", "Add multiple sets",
      .cut(unite, unite)),
    Command(
      "sdiff", arity: -2, [.readOnly, .scans], keys: .all, group: "set", "Subtract multiple sets",
      .cut(subtract, subtract)),
    Command(
      "sintercard", arity: -3, [.readOnly, .scans], group: "set",
      "Intersect multiple sets and return the cardinality of the result",
      .cut(at: 2, countShared, countShared)),
    Command(
      "sinterstore", arity: -3, [.write, .readsFirst], keys: .all, group: "set",
      "Intersect multiple sets and store the resulting set in a key", storing(.intersection)),
    Command(
      "sunionstore", arity: -3, [.write, .readsFirst], keys: .all, group: "set",
      "Add multiple sets and store the resulting set in a key", storing(.union)),
    Command(
      "sdiffstore", arity: -3, [.write, .readsFirst], keys: .all, group: "set",
      "Subtract multiple sets and store the resulting set in a key", storing(.difference)),
  ]

  // MARK: Reading

  static func intersect<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) { try reply(with: .intersection, &view, &call, request) }

  static func unite<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) { try reply(with: .union, &view, &call, request) }

  static func subtract<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) { try reply(with: .difference, &view, &call, request) }

  private static func reply<V: EntryView & ~Copyable>(
    with operation: SetOperation, _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let sets = try view.maps(at: call.arguments[1...], in: request, type: .set)
    let start = call.reply.count
    var count = 0
    try operation.run(on: sets, in: &view) { member in
      call.reply.bulk(member)
      count += 1
      return !call.reply.isOverflowing
    }
    call.reply.insertSetHeader(count, at: start)
  }

  /// SINTERCARD numkeys key… [LIMIT limit]
  static func countShared<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let told = parseInteger(request.extracting(call[1])), told > 0 else {
      return call.reply.error("ERR numkeys should be greater than 0")
    }
    guard told <= call.count - 2 else {
      return call.reply.error("ERR Number of keys can't be greater than number of args")
    }
    let end = 2 + Int(told)
    guard let limit = limit(from: end, &call, request) else { return }
    let keys = call.arguments[2..<end]
    for key in keys where key.count > Limits.keyByteCount {
      throw .keyTooLong(byteCount: key.count, limit: Limits.keyByteCount)
    }
    let sets = try view.maps(at: keys, in: request, type: .set)
    var count: Int64 = 0
    try SetOperation.intersection.run(on: sets, in: &view) { _ in
      count += 1
      return count != limit
    }
    call.reply.integer(count)
  }

  /// The limit, 0 for none. Nil, with the error written, if the options are invalid.
  private static func limit(
    from start: Int, _ call: inout Call, _ request: RawSpan
  ) -> Int64? {
    var limit: Int64 = 0
    for index in stride(from: start, to: call.count, by: 2) {
      guard request.extracting(call[index]).spells("LIMIT"), index + 1 < call.count else {
        call.syntaxError()
        return nil
      }
      guard let given = parseInteger(request.extracting(call[index + 1])), given >= 0 else {
        call.reply.error("ERR LIMIT can't be negative")
        return nil
      }
      limit = given
    }
    return limit
  }

  // MARK: Storing

  /// The result is complete before anything is written, because the key that is replaced may be one of the
  /// sets.
  private static func storing(_ operation: SetOperation) -> Command.Handler {
    .write { (evaluation, call, request) throws(StoreError) in
      let sets = try evaluation.maps(at: call.arguments[2...], in: request, type: .set)
      var found = FieldList()
      var byteCount = 0
      try operation.run(on: sets, in: &evaluation) { member in
        found.append(member)
        byteCount += member.byteCount + MapLimits.fieldOverhead + Limits.mutationByteCount
        return byteCount <= Limits.batchByteCount
      }
      guard byteCount <= Limits.batchByteCount else {
        throw .batchTooLarge(byteCount: byteCount, limit: Limits.batchByteCount)
      }
      let target = request.extracting(call[1])
      try Records.remove(target, in: &evaluation)
      if found.count > 0 {
        try evaluation.edit(.set, at: target) { (set, evaluation) throws(StoreError) in
          for index in 0..<found.count {
            try set.put(found[index], RawSpan(), isNew: true, in: &evaluation)
          }
        }
      }
      call.reply.integer(Int64(found.count))
    }
  }
}
