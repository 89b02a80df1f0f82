import KVData
import KVStore

/// Hash commands. A hash is a map whose fields are in byte order.
enum Hashes: MapKind {
  static let type = RecordType.map

  static let all = commands + HashCounters.commands + HashRandom.commands + HashRanges.commands

  static let commands: [Command] = [
    Command(
      "hset", arity: -4, [.write, .fast], keys: .one, group: "hash",
      "Set the string value of a hash field", .edit(.fieldPairs, set)),
    Command(
      "hmset", arity: -4, [.write, .fast], keys: .one, group: "hash",
      "Set multiple hash fields to multiple values", .edit(.fieldPairs, setMany)),
    Command(
      "hsetnx", arity: 4, [.write, .fast], keys: .one, group: "hash",
      "Set the value of a hash field, only if the field does not exist",
      .edit(.oneField, setIfAbsent)),
    Command(
      "hdel", arity: -3, [.write, .fast], keys: .one, group: "hash",
      "Delete one or more hash fields", .edit(.allFields, MapCommands<Self>.delete)),
    Command(
      "hget", arity: 3, [.readOnly, .fast], keys: .one, group: "hash",
      "Get the value of a hash field", .cut(get, get)),
    Command(
      "hmget", arity: -3, [.readOnly, .fast, .looksUpMany], keys: .one, group: "hash",
      "Get the values of all the given hash fields", .cut(getMany, getMany)),
    Command(
      "hexists", arity: 3, [.readOnly, .fast], keys: .one, group: "hash",
      "Determine if a hash field exists",
      .cut(MapCommands<Self>.contains, MapCommands<Self>.contains)),
    Command(
      "hstrlen", arity: 3, [.readOnly, .fast], keys: .one, group: "hash",
      "Get the length of the value of a hash field", .cut(valueLength, valueLength)),
    Command(
      "hlen", arity: 2, [.readOnly, .fast], keys: .one, group: "hash",
      "Get the number of fields in a hash",
      .cut(MapCommands<Self>.length, MapCommands<Self>.length)),
    Command(
      "hgetall", arity: 2, [.readOnly, .scans], keys: .one, group: "hash",
      "Get all the fields and values in a hash", .cut(getAll, getAll)),
    Command(
      "hkeys", arity: 2, [.readOnly, .scans], keys: .one, group: "hash",
      "Get all the fields in a hash", .cut(fields, fields)),
    Command(
      "hvals", arity: 2, [.readOnly, .scans], keys: .one, group: "hash",
      "Get all the values in a hash", .cut(values, values)),
    Command(
      "hscan", arity: -3, [.readOnly, .scans], keys: .one, group: "hash",
      "Incrementally iterate hash fields and associated values",
      .cut(MapScanning<Self>.scan, MapScanning<Self>.scan)),
  ]

  // MARK: Writing

  static func set(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if let added = try setPairs("hset", &evaluation, &call, request) {
      call.reply.integer(Int64(added))
    }
  }

  static func setMany(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if try setPairs("hmset", &evaluation, &call, request) != nil { call.reply.ok() }
  }

  /// Sets the pairs and returns how many fields are new; nil, with the error written, if the arguments are
  /// invalid.
  private static func setPairs(
    _ name: String, _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) -> Int? {
    guard call.count % 2 == 0 else {
      call.wrongArity(name)
      return nil
    }
    guard call.hasFittingFields(.fieldPairs) else { return nil }
    return try evaluation.editMap(at: request.extracting(call[1])) {
      (map, evaluation) throws(StoreError) in
      var added = 0
      for index in stride(from: 2, to: call.count, by: 2) {
        let isNew = try map.set(
          request.extracting(call[index]), request.extracting(call[index + 1]), in: &evaluation)
        if isNew { added += 1 }
      }
      return added
    }
  }

  static func setIfAbsent(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard call.hasFittingFields(.oneField) else { return }
    let field = request.extracting(call[2])
    let isNew = try evaluation.editMap(at: request.extracting(call[1])) {
      (map, evaluation) throws(StoreError) in
      if try map.contains(field, in: &evaluation) { return false }
      return try map.set(field, request.extracting(call[3]), in: &evaluation)
    }
    call.reply.integer(isNew ? Int64(1) : 0)
  }

  // MARK: Reading

  static func get<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard var map = try view.map(at: request.extracting(call[1])) else {
      return call.reply.null()
    }
    try map.withValue(of: request.extracting(call[2]), in: &view) { call.reply.bulkOrNull($0) }
  }

  static func getMany<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let found = try view.map(at: request.extracting(call[1]))
    call.reply.array(call.count - 2)
    guard var map = found else {
      for _ in 2..<call.count { call.reply.null() }
      return
    }
    for index in 2..<call.count where !call.reply.isOverflowing {
      do throws(StoreError) {
        let byteCount = try map.withValue(of: request.extracting(call[index]), in: &view) { value in
          call.reply.bulkOrNull(value)
          return value?.byteCount ?? 0
        }
        try view.advance(by: ScanBudget.steps(forByteCount: byteCount))
      } catch {
        // As in MGET, a damaged value has an error in its place.
        guard error.isDamagedValue else { throw error }
        StoreErrorReply.write(error, to: &call.reply)
      }
    }
  }

  static func valueLength<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var length = 0
    if var map = try view.map(at: request.extracting(call[1])) {
      try map.withValue(of: request.extracting(call[2]), in: &view) { value in
        if let value { length = value.byteCount }
      }
    }
    call.reply.integer(Int64(length))
  }

  static func getAll<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let map = try view.map(at: request.extracting(call[1]))
    call.reply.map(map?.count ?? 0)
    try map?.walk(in: &view) { field, value in
      call.reply.bulk(field)
      call.reply.bulk(value)
      return !call.reply.isOverflowing
    }
  }

  static func fields<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let map = try view.map(at: request.extracting(call[1]))
    call.reply.array(map?.count ?? 0)
    try map?.walk(in: &view) { field, _ in
      call.reply.bulk(field)
      return !call.reply.isOverflowing
    }
  }

  static func values<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let map = try view.map(at: request.extracting(call[1]))
    call.reply.array(map?.count ?? 0)
    try map?.walk(in: &view) { _, value in
      call.reply.bulk(value)
      return !call.reply.isOverflowing
    }
  }
}
